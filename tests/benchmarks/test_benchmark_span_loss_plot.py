"""The picture of the span loss shows the rows."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from benchmarks.measured_rows import TABLE
from benchmarks.results_file import read_rows
from benchmarks.span_loss_cases import CASES
from benchmarks.span_loss_plot import PICTURE, draw, fingerprint, series


def row(case: str, impl: str, metric: str, value: float) -> dict[str, str]:
    return {"case": case, "impl": impl, "metric": metric, "p50": str(value), "shape": str(CASES[case].size)}


ROWS = [
    row("length-1024", "tiled", "time", 40.0),
    row("length-128", "tiled", "time", 1.0),
    row("length-128", "published", "time", 3.0),
    row("length-128", "reference", "time", 3.0),
    row("loss-512", "tiled", "time", 3.0),
    row("types-1", "tiled", "memory", 2.0),
    row("types-1000", "tiled", "memory", 20.0),
    row("types-10000", "tiled", "memory", 90.0),
]


def test_series_are_the_sweeps_in_order() -> None:
    assert series(ROWS, "length", "time") == {"published": [(128, 3.0)], "tiled": [(128, 1.0), (1024, 40.0)]}
    assert series(ROWS, "types", "memory") == {"tiled": [(1, 2.0), (1000, 20.0)]}
    assert series(ROWS, "types", "time") == {}


def test_every_case_of_a_sweep_is_found_by_its_shape() -> None:
    rows = [row(name, "tiled", "time", 1.0) for name in CASES]
    assert [size for size, _ in series(rows, "length", "time")["tiled"]] == [128, 256, 512, 1024, 2048, 4096]
    assert [size for size, _ in series(rows, "types", "time")["tiled"]] == [1, 10, 100, 1000]


def test_the_picture_is_the_same_each_time_and_tells_what_it_shows() -> None:
    picture = draw(ROWS)
    assert picture == draw(ROWS)
    text = "".join(ET.fromstring(picture).itertext())
    for part in ("published", "tiled", "1024", "1000", "tokens (L)", "not measured yet", fingerprint(ROWS)):
        assert part in text
    assert fingerprint(ROWS) != fingerprint(ROWS[1:])


def test_the_picture_of_the_page_shows_what_was_measured() -> None:
    assert fingerprint(read_rows(TABLE)) in PICTURE.read_text("utf-8"), "run: python -m benchmarks.span_loss_plot"
