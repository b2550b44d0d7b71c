"""What every fuzzer of a reader checks; the fuzzers are programs: `tests/fuzz/fuzz_columns.py -max_total_time=60`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["globalner.data", "globalner.types"]):
    from globalner.data import read_documents, write_documents
    from globalner.data.formats import FORMATS
    from globalner.errors import DataError

__all__ = ["FORMATS", "check", "run"]


def check(path: Path, names: tuple[str, ...]) -> None:
    """Reads a file or folder in formats; whatever it holds, a reader raises nothing but `DataError`.

    What can be read has exact offsets, is read again alike, and comes back from the native form (further keys of
    documents may be left out there).
    """
    for name in names:
        try:
            reader = read_documents(path, name, errors="replace")
            rejected: list[DataError] = []
            documents = list(reader.readable(rejected))
        except DataError:
            continue
        for document in documents:
            for entity in document.entities:
                assert document.text[entity.start : entity.end] == entity.text
        assert list(reader.readable([])) == documents
        if documents:
            copy = path.with_name("copy.jsonl")
            write_documents(documents, copy, "native", lossy=True)
            back = [(one.text, [entity.key for entity in one.entities]) for one in read_documents(copy)]
            assert back == [(one.text, [entity.key for entity in one.entities]) for one in documents]


def run(test: Callable[[bytes, Path], None]) -> None:
    """Runs a fuzzer.

    Args:
        test: Takes the bytes, and a folder of its own to write them to.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:

        def one_input(data: bytes) -> None:
            test(data, Path(folder))

        atheris.Setup(sys.argv, one_input)
        atheris.Fuzz()
