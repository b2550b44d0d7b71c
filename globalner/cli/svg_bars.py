"""Small pictures of bars as SVG text, drawn with the colours of the page around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Bar", "column_chart", "row_chart"]

_WIDTH, _ROW, _CHART = 320, 13, 120
_LABEL_ROOM, _NUMBER_ROOM = 104, 62
_LABEL_CHARS = 15


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        name: What stands beside or below it.
        value: Its length, from 0.
        shown: The value for people; of a standing bar, with what it is the value of.
        series: Which of the page's colours it has, counted from 0.
    """

    name: str
    value: float
    shown: str
    series: int = 0


def row_chart(groups: Sequence[tuple[str, Sequence[Bar]]], title: str) -> str:
    """Lying bars in groups, such as the shares of one label in several sets.

    Args:
        groups: Name and bars of each group.
        title: What the picture shows, for those who cannot see it.
    """
    largest = max((bar.value for _, bars in groups for bar in bars), default=0) or 1
    room = _WIDTH - _LABEL_ROOM - _NUMBER_ROOM
    parts, top = [], 0
    for name, bars in groups:
        middle = top + len(bars) * _ROW / 2 + 4
        parts.append(f'<text x="{_LABEL_ROOM - 6}" y="{middle:g}" text-anchor="end">{escape(_cut(name))}</text>')
        for bar in bars:
            width = room * bar.value / largest
            parts.append(
                f'<rect class="s{bar.series % 4}" x="{_LABEL_ROOM}" y="{top + 1}" width="{width:.1f}" '
                f'height="{_ROW - 2}"><title>{escape(name)}, {escape(bar.name)}: {escape(bar.shown)}</title></rect>'
                f'<text class="n" x="{_LABEL_ROOM + width + 4:.1f}" y="{top + 10}">{escape(bar.shown)}</text>'
            )
            top += _ROW
        top += 6
    return _picture(parts, max(top, 1), title)


def column_chart(bars: Sequence[Bar], title: str) -> str:
    """Standing bars side by side, such as how many lengths lie in each range.

    Args:
        bars: The bars, left to right.
        title: What the picture shows, for those who cannot see it.
    """
    largest = max((bar.value for bar in bars), default=0) or 1
    step = _WIDTH / max(len(bars), 1)
    every = max(1, -(-len(bars) * 36 // _WIDTH))  # names need some room
    parts = [f'<line x1="0" x2="{_WIDTH}" y1="{_CHART}" y2="{_CHART}"/>']
    for place, bar in enumerate(bars):
        height = max((_CHART - 14) * bar.value / largest, 1 if bar.value else 0)
        middle = (place + 0.5) * step
        parts.append(
            f'<rect class="s{bar.series % 4}" x="{place * step + 1:.1f}" y="{_CHART - height:.1f}" '
            f'width="{max(min(step - 2, 40), 0.5):.1f}" height="{height:.1f}">'
            f"<title>{escape(bar.shown)}</title></rect>"
        )
        if place % every == 0:
            left = place * step + 1 + max(min(step - 2, 40), 0.5) / 2 if step > 42 else middle
            parts.append(f'<text x="{left:.1f}" y="{_CHART + 14}" text-anchor="middle">{escape(bar.name)}</text>')
    return _picture(parts, _CHART + 20, title)


def _cut(name: str) -> str:
    return name if len(name) <= _LABEL_CHARS else name[: _LABEL_CHARS - 1] + "…"


def _picture(parts: Sequence[str], height: float, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
