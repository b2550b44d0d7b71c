"""A picture as SVG text that is the same each time and tells what it shows."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import matplotlib as mpl
from matplotlib.figure import Figure

__all__ = ["svg_picture"]


def svg_picture(name: str, size: tuple[float, float], fingerprint: str, draw: Callable[[Figure], None]) -> str:
    """Draws a picture.

    Args:
        name: From which the ids inside the picture derive.
        size: Width and height, inches.
        fingerprint: Of what it shows; it stands in the picture's description.
        draw: Draws into the empty figure.
    """
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Description": fingerprint})
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
