"""`Report`: what happened on the way, counted by reason, with a few examples of each."""

from __future__ import annotations

from globalner.types import Entity

__all__ = ["MAX_EXAMPLES", "Report", "shown_entity"]

MAX_EXAMPLES = 5
_MAX_EXAMPLE_CHARS = 120
_MAX_SHOWN_CHARS = 60


class Report:
    """Counts events by reason; its size does not grow with the number of events.

    Attributes:
        counts: Number of events of each reason, in the order of first occurrence.
        examples: At most `MAX_EXAMPLES` examples of each reason in `counts`, each cut to 120 characters.
        notes: Sentences about the whole, each once.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.examples: dict[str, list[str]] = {}
        self.notes: list[str] = []

    def add(self, reason: str, example: str = "") -> None:
        """Counts one event; an empty example is not kept."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        self._keep(reason, example)

    def note(self, text: str) -> None:
        """Adds a sentence unless it is there already."""
        if text not in self.notes:
            self.notes.append(text)

    def merge(self, other: Report) -> None:
        """Adds everything that another report holds."""
        for reason, count in other.counts.items():
            self.counts[reason] = self.counts.get(reason, 0) + count
            for example in other.examples[reason] or [""]:
                self._keep(reason, example)
        for text in other.notes:
            self.note(text)

    def lines(self) -> list[str]:
        """The report for people: one line a reason, then the notes."""
        return [self._line(reason) for reason in self.counts] + list(self.notes)

    def __bool__(self) -> bool:
        """True when there is anything to say."""
        return bool(self.counts or self.notes)

    def __repr__(self) -> str:
        return f"Report({', '.join(map(repr, self.lines()))})"

    def _keep(self, reason: str, example: str) -> None:
        kept = self.examples.setdefault(reason, [])
        if example and len(kept) < MAX_EXAMPLES:
            kept.append(example if len(example) <= _MAX_EXAMPLE_CHARS else example[: _MAX_EXAMPLE_CHARS - 1] + "…")

    def _line(self, reason: str) -> str:
        shown = self.examples[reason]
        return f"{reason}: {self.counts[reason]:,}" + (f" (such as {'; '.join(shown)})" if shown else "")


def shown_entity(entity: Entity) -> str:
    """An entity for a message: label, offsets (end exclusive) and text, which is cut to 60 characters."""
    text = entity.text if len(entity.text) <= _MAX_SHOWN_CHARS else entity.text[: _MAX_SHOWN_CHARS - 1] + "…"
    return f"{entity.label} {entity.start}:{entity.end} {text!r}"
