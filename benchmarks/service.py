"""Measures the service against its goals: throughput, latency, overload, a soak, replicas, and broken requests.

    python -m benchmarks.service --data-dir DIR
    python -m benchmarks.service throughput latency --data-dir DIR
    python -m benchmarks.service --short --model rule

The model has the MiniLM encoder and is trained for a minute on a part of wnut17, whose texts it then reads; --model
takes another folder, or "rule", which is no model and needs no data. Load comes from a process of its own, whose CPU
seconds stand in the rows. Each case prints its values as it ends, and writes them to results/service.csv in place of
its older ones; --short takes seconds, says nothing about speed, and writes only to the table that --table names. The
replicas need nginx. Exit code 1 if a goal is missed, which a short run does not look at for speed.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.fresh_process import in_fresh_process
from benchmarks.service_cases import latency, overload, throughput
from benchmarks.service_fuzz import fuzz_bytes, fuzz_schema
from benchmarks.service_model import read_texts, train_model
from benchmarks.service_process import RULE
from benchmarks.service_replicas import replicas
from benchmarks.service_rows import TABLE, Measured, Sizes, Subject, write_measured
from benchmarks.service_soak import soak

__all__ = ["CASES", "main"]

_TEXTS = 1000
_RULE_TEXTS = (
    "Mara Lindqvist joined the University of Lisbon.",
    "北京大学的王芳去了上海。",
    "Nothing here.",
    "a " * 90,
)


def fuzz(subject: Subject) -> Iterator[Measured]:
    """Requests made from the schema, and broken bytes, on a server around the rule."""
    for name, run, cases in (
        ("schemathesis, all checks", fuzz_schema, subject.sizes.schema_cases),
        ("broken bytes", fuzz_bytes, subject.sizes.byte_cases),
    ):
        done, wrong = run(cases, subject.seed)
        seen = ", ".join(f"{key}: {value}" for key, value in done.items() if key not in ("fuzz", "cases"))
        yield Measured("fuzz", f"{name}: what is wrong", "complaints", len(wrong), "== 0", details="; ".join(wrong[:3]))
        yield Measured("fuzz", f"{name}: cases", "requests", float(str(done["cases"])), f">= {cases}", details=seen)


CASES: Mapping[str, Callable[[Subject], Iterator[Measured]]] = {
    "throughput": throughput,
    "latency": latency,
    "overload": overload,
    "soak": soak,
    "replicas": replicas,
    "fuzz": fuzz,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the cases named; the exit code says whether all goals are reached."""
    options = _options(arguments)
    command = shlex.join(
        ["python", "-m", "benchmarks.service", *options.cases, *(["--short"] if options.short else [])]
    )
    with tempfile.TemporaryDirectory() as folder:
        subject = _subject(options, Path(folder))
        all_met = True
        for name in options.cases or CASES:
            measured = []
            for one in CASES[name](subject):
                print(one, flush=True)
                measured.append(one)
            all_met &= all(one.met is not False for one in measured)
            if options.table is not None:
                write_measured(measured, options.table, command)
    return 0 if all_met or options.short else 1


def _subject(options: argparse.Namespace, folder: Path) -> Subject:
    sizes = Sizes.short() if options.short else Sizes()
    if options.model == RULE:
        return Subject(RULE, _RULE_TEXTS, sizes, options.seed)
    model = options.model or str(in_fresh_process(train_model, options.data_dir, folder / "run"))
    return Subject(model, in_fresh_process(read_texts, options.data_dir, _TEXTS), sizes, options.seed)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of: {', '.join(CASES)}; all unless named")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    parser.add_argument("--model", help='folder of a model, or "rule"; else one is trained')
    parser.add_argument("--short", action="store_true", help="seconds for each case, without a table")
    parser.add_argument("--table", type=Path, help=f"file of the rows (results/{TABLE.name}, without --short)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    for case in options.cases:
        if case not in CASES:
            parser.error(f"there is no case {case!r}; choose from: {', '.join(CASES)}")
    if options.model != RULE and options.data_dir is None:
        parser.error("name the folder that holds wnut17/: --data-dir DIR, or GLOBALNER_DATA")
    if options.table is None and not options.short:
        options.table = TABLE
    return options


if __name__ == "__main__":
    sys.exit(main())
