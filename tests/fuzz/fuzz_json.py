"""Fuzzes the readers of JSON: lines and arrays."""

from __future__ import annotations

from pathlib import Path

from reading import FORMATS, check, run

_PIECES = (
    b'{"text": "Ada met Bob", "entities": [{"start": 0, "end": 3, "label": "PER"}]}\n',
    b'{"text": "Ada", "label": {"name": {"Ada": [[0, 2]]}}}\n',
    b'[{"text": "Ada", "entities": [{"start_idx": 0, "end_idx": 2, "type": "bod", "entity": "Ada"}]}]',
    b'"text": "',
    b'"tokens": [[0, 3]]',
    b'"id": ',
    b"\\ud800",
    b"1e999",
    b"NaN",
    b"[[[[",
    b"}]",
    b"\n",
)
_LIMIT = 32
_NAMES = tuple(
    name
    for name, form in FORMATS.items()
    if form.kind == "text" and name not in ("columns", "inline", "xml", "text", "csv")
)


def one_input(data: bytes, folder: Path) -> None:
    """Bytes below a limit stand for a piece of JSON, so that whole documents come up often."""
    content = b"".join(_PIECES[byte % len(_PIECES)] if byte < _LIMIT else bytes((byte,)) for byte in data)
    if content:
        path = folder / "data.json"
        path.write_bytes(content)
        check(path, (*_NAMES, "auto"))


if __name__ == "__main__":
    run(one_input)
