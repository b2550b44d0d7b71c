"""Fuzzes the reader of brat's folders: annotations that do not fit their text, are cut off, or are none."""

from __future__ import annotations

from pathlib import Path

from reading import FORMATS, check, run

_TEXT = "Ada Byron left\nLondon, Łódź 北京 👩\u200d🚀.\n"
_PIECES = (
    b"T1\tPER 0 3\tAda\n",
    b"T",
    b"\t",
    b"\n",
    b" 0 3",
    b";4 9\t",
    b"LOC 15 21\tLondon",
    b"R1\tx Arg1:T1 Arg2:T2\n",
    b"#",
)
_LIMIT = 32


def one_input(data: bytes, folder: Path) -> None:
    """The first byte says whether the rest is the text too; bytes below a limit stand for a piece of annotation."""
    content = b"".join(_PIECES[byte % len(_PIECES)] if byte < _LIMIT else bytes((byte,)) for byte in data[1:])
    inside = folder / "brat"
    inside.mkdir(exist_ok=True)
    (inside / "a.txt").write_bytes(content if data[:1] == b"\x01" else _TEXT.encode())
    (inside / "a.ann").write_bytes(content)
    check(inside, ("brat", "auto"))


if __name__ == "__main__":
    if "brat" in FORMATS:
        run(one_input)
    else:
        print("there is no format 'brat' yet, so there is nothing to fuzz")
