"""Time and memory of `globalner convert` on large files.

    python -m benchmarks.conversion --mib 2048 --to .conll .xml .inline

A file in the native form is generated, converted by the program in a process of its own, and what came out is
converted back. Each conversion is a line of JSON: the mebibytes it read, its seconds, and the peak of resident memory,
which has to stay below 500 MiB (read from /proc, so on Linux only). `--record` appends the lines to
results/conversion.csv.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results_file import RESULTS, append_row, provenance
from globalner.data import write_documents
from globalner.types import Document, Entity

_LIMIT_MIB = 500
_WORDS = "the old man of Leeds went by train to a small town in Kent where Ada Byron had met him".split()  # noqa: SIM905
_DOCUMENT_WORDS = 120
# Says its own peak: what the system counts for a child (ru_maxrss) begins with the memory of its parent.
_PROGRAM = """
import re, sys
from globalner.cli import main
code = main()
print(re.search("VmHWM:\\s*([0-9]+) kB", open("/proc/self/status").read())[1])
sys.exit(code)
"""


def main() -> int:
    """Runs the command; 1 if a conversion took more memory than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=2048, help="size of the file in the native form")
    parser.add_argument("--to", nargs="+", default=[".conll", ".xml", ".inline"], help="suffixes of the files to write")
    parser.add_argument("--folder", type=Path, help="where the files are made; a temporary folder if left out")
    parser.add_argument("--record", action="store_true", help="append the lines to results/conversion.csv")
    arguments = parser.parse_args()
    fits = True
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        native = Path(folder) / "large.jsonl"
        _generate(native, arguments.mib)
        for suffix in arguments.to:
            there, back = Path(folder) / f"large{suffix}", Path(folder) / "back.jsonl"
            for source, target in ((native, there), (there, back)):
                row = _converted(source, target)
                fits = fits and float(str(row["peak_rss_mib"])) < _LIMIT_MIB
                print(json.dumps(row), flush=True)
                if arguments.record:
                    append_row(RESULTS / "conversion.csv", row | provenance())
            there.unlink()
            back.unlink()
    return 0 if fits else 1


def _generate(path: Path, mib: int) -> None:
    """Writes a file of about this size."""
    write_documents(_documents(mib << 20), path)


def _documents(size: int) -> Iterator[Document]:
    draw = random.Random(0)
    written = 0
    while written < size:
        text = " ".join(draw.choices(_WORDS, k=_DOCUMENT_WORDS))
        first, place = text.find("Ada Byron"), text.find("Leeds")
        spans = [(first, first + 9, "PER"), (first, first + 3, "FIRST"), (place, place + 5, "LOC")]
        entities = tuple(Entity(*span) for span in spans if span[0] >= 0)
        yield Document(text, entities)
        written += len(text) + 30 + 45 * len(entities)


def _converted(source: Path, target: Path) -> dict[str, object]:
    """Converts a file in a process of its own and measures that."""
    options = ["--write", "layers=2"] if target.suffix == ".conll" else []
    command = [sys.executable, "-c", _PROGRAM, "convert", str(source), str(target), "--quiet", *options]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"converting {source} to {target} failed with status {done.returncode}")
    return {
        "from": source.suffix,
        "to": target.suffix,
        "mib": source.stat().st_size / 2**20,
        "seconds": time.perf_counter() - began,
        "peak_rss_mib": int(done.stdout.split()[-1]) / 1024,
    }


if __name__ == "__main__":
    sys.exit(main())
