"""Fuzzes the reader of column files, and with it those of plain lines, inline tags and XML-like tags."""

from __future__ import annotations

from pathlib import Path

from reading import check, run

_PIECES = (
    b"\t",
    b"\n",
    b" B-PER\n",
    b" I-PER\n",
    b"\tO\n",
    b"-DOCSTART- O\n",
    b"\n\n",
    b"{{PER:",
    b"}}",
    b"<PER>",
    b"</PER>",
)


def one_input(data: bytes, folder: Path) -> None:
    """Bytes below the number of pieces stand for one of them, so that lines and tags come up often."""
    content = b"".join(_PIECES[byte] if byte < len(_PIECES) else bytes((byte,)) for byte in data)
    if content:
        path = folder / "data.conll"
        path.write_bytes(content)
        check(path, ("columns", "auto", "inline", "xml"))


if __name__ == "__main__":
    run(one_input)
