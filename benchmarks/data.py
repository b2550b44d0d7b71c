"""How fast texts become training windows, and how much memory that and a pass over them takes.

    python -m benchmarks.data --data-dir DIR

Encoding is compared with the library's `encode_batch` alone on the same texts, and with the fast tokenizer of
transformers as people call it; the two take turns, and `value` is the median of the ratios of their speeds, 1 being as
fast. The loader goes once over a million synthetic sentences in a process of its own. Rows go to results/data.csv and
take the place of those of the same measure. To be run on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.data_cases import EncodingCase, LoaderPass, encoding_cases, loader_pass, processors, times
from benchmarks.fresh_process import in_fresh_process
from benchmarks.results_file import RESULTS, provenance, replace_rows

_TABLE = RESULTS / "data.csv"


def main() -> int:
    """Measures, prints and writes the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"), required=False)
    parser.add_argument("--documents", type=int, default=10_000, help="documents of each set")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sentences", type=int, default=1_000_000, help="of the pass of the loader; 0: no pass")
    parser.add_argument("--output", type=Path, default=_TABLE)
    options = parser.parse_args()
    if options.data_dir is None:
        parser.error("name the folder of data sets: --data-dir DIR, or GLOBALNER_DATA")
    measures: list[dict[str, object]] = []
    for case in encoding_cases(options.data_dir, options.documents):
        measures += _encoding(case, options.rounds)
    if options.sentences:
        measures += _loader(in_fresh_process(loader_pass, options.sentences), options.sentences)
    rows = [{**measure, **provenance()} for measure in measures]
    replace_rows(options.output, rows, lambda row: row["measure"])
    return 0


def _encoding(case: EncodingCase, rounds: int) -> list[dict[str, object]]:
    case.encoded()
    seconds = np.array(times([case.alone, case.called, case.encoded, case.windowed], rounds))
    chars = sum(len(document.text) for document in case.documents)
    name = f"{case.name}, {processors()} processors"
    return [
        _measured(f"encoding / encode_batch alone: {name}", seconds[:, 0] / seconds[:, 2], "ratio of speeds"),
        _measured(f"encoding / transformers' call: {name}", seconds[:, 1] / seconds[:, 2], "ratio of speeds"),
        _measured(f"windows / encode_batch alone: {name}", seconds[:, 0] / seconds[:, 3], "ratio of speeds"),
        _measured(f"encoding: {name}", chars / seconds[:, 2] / 1e6, "million characters/s"),
    ]


def _loader(done: LoaderPass, sentences: int) -> list[dict[str, object]]:
    name = f"{sentences:,} synthetic sentences"
    return [
        _measured(f"making windows of {name}", np.array([sentences / done.making_s]), "sentences/s"),
        _measured(f"memory growth while making windows of {name}", np.array([done.making_growth_mib]), "MiB"),
        _measured(f"windows on disk of {name}", np.array([done.store_mib]), "MiB"),
        _measured(f"a pass of the loader over {name}", np.array([done.windows / done.pass_s]), "windows/s"),
        _measured(f"memory growth in a pass of the loader over {name}", np.array([done.pass_growth_mib]), "MiB"),
    ]


def _measured(measure: str, values: np.ndarray, unit: str) -> dict[str, object]:
    low, middle, high = (float(value) for value in np.quantile(values, [0.2, 0.5, 0.8]))
    print(f"{measure}: {middle:,.3f} {unit} ({low:,.3f} to {high:,.3f})", flush=True)
    return {"measure": measure, "value": middle, "unit": unit, "p20": low, "p80": high}


if __name__ == "__main__":
    sys.exit(main())
