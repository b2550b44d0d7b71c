"""The benchmark of the span loss, on sizes that take no time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from benchmarks import measured_rows, span_loss, span_loss_goals, tables, training_step
from benchmarks.results_file import read_rows
from benchmarks.span_loss_cases import CASES, GOLD_SPANS, Case, Size, prepare
from benchmarks.span_loss_goals import GOALS, goal_lines
from benchmarks.workload import Workload, alternate_ms

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = "case impl metric unit p20 p50 p80 shape device threads torch commit date".split()  # noqa: SIM905
SMALL = {what: Case(what, Size(2, 3, 10, 8)) for what in ("loss", "efficient", "head", "search")}
THREADS = str(torch.get_num_threads())


def directly(function: Callable[..., object], *arguments: object) -> object:
    return function(*arguments)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "span_loss.csv"
    for module in (measured_rows, span_loss):
        monkeypatch.setattr(module, "TABLE", path)
    monkeypatch.setattr(span_loss, "in_fresh_process", directly)
    for name, case in SMALL.items():
        monkeypatch.setitem(CASES, name, case)
    yield path
    torch.set_num_threads(int(THREADS))


def measure(*cases: str) -> None:
    assert span_loss.main([*cases, "--impl", "reference", "--repeats", "3", "--threads", THREADS]) == 0


def test_rows_have_their_columns_and_times_of_all_implementations(table: Path) -> None:
    measure(*SMALL)
    rows = read_rows(table)
    assert list(rows[0]) == COLUMNS
    baselines = {"search": "dense"}
    assert {(row["case"], row["impl"], row["metric"], row["unit"]) for row in rows} == {
        (name, impl, metric, unit)
        for name in SMALL
        for impl in (baselines.get(name, "published"), "reference")
        for metric, unit in (("time", "ms"), ("memory", "MiB"))
    }
    assert all(row["shape"] == "B 2, C 3, L 10, D 8" and row["device"].startswith("cpu: ") for row in rows)
    times = [row for row in rows if row["metric"] == "time"]
    assert all(0 < float(row["p20"]) <= float(row["p50"]) <= float(row["p80"]) for row in times)


def test_measuring_again_replaces_the_rows_of_the_case_and_no_others(table: Path) -> None:
    measure("loss", "search")
    first = read_rows(table)
    changed = [row | {"p50": "-1", "commit": "old"} for row in first]
    text = table.read_text("utf-8").splitlines()[0]
    table.write_text("\n".join([text, *(",".join(f'"{cell}"' for cell in row.values()) for row in changed)]), "utf-8")
    measure("loss")
    again = read_rows(table)
    keys = [[(row["case"], row["impl"], row["metric"]) for row in rows] for rows in (first, again)]
    assert keys[0] == keys[1]
    assert [row["p50"] == "-1" for row in again] == [row["case"] == "search" for row in first]


def test_implementations_of_a_case_see_the_same_inputs(table: Path) -> None:  # noqa: ARG001
    for name in ("loss", "efficient", "head"):
        published, ours = (prepare(CASES[name], impl) for impl in ("published", "reference"))
        for workload in (published, ours):
            workload.run()
        for one, other in zip(published.leaves, ours.leaves, strict=True):
            assert one.grad is not None
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_the_search_finds_what_was_planted() -> None:
    case = Case("search", Size(2, 3, 40))
    dense, ours = (prepare(case, impl).run() for impl in ("dense", "reference"))
    cells = torch.stack([ours.batch, ours.type, ours.first, ours.last], dim=1)
    assert torch.equal(dense, cells)
    assert cells[:, 0].bincount().tolist() == [GOLD_SPANS, GOLD_SPANS]


def test_the_published_form_is_left_out_where_its_squares_would_not_fit() -> None:
    without = {name for name, case in CASES.items() if case.baseline is None}
    assert without == {"types-1000", "types-10000", "length-4096", "head-8192"}
    assert CASES["search-512"].baseline == "dense"


def test_workloads_take_turns_after_a_round_that_does_not_count() -> None:
    order: list[str] = []
    workloads = {name: Workload(lambda name=name: order.append(name)) for name in "ab"}
    times = alternate_ms(workloads, repeats=4)
    assert order == list("baabbaabba")
    assert {name: len(values) for name, values in times.items()} == {"a": 4, "b": 4}
    assert {len(values) for values in alternate_ms(workloads, repeats=9, longest_s=0).values()} == {3}


MEMORY_SCRIPT = """
import torch
from benchmarks.fresh_process import in_fresh_process
from benchmarks.workload import Workload, memory_rise_mib

MIB = 2**18  # of fp32 numbers

def rise():
    given = torch.ones(32 * MIB)
    def run():
        run.kept = given + 1
        given + given.add(1)
    return memory_rise_mib(Workload(run), Workload(lambda: None))

if __name__ == "__main__":
    of_the_process_that_starts_it = torch.ones(256 * MIB)
    print(in_fresh_process(rise))
"""


def test_memory_is_what_a_run_adds_at_its_peak(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(MEMORY_SCRIPT, "utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(96, abs=8)


def row(case: str, impl: str, metric: str, value: float) -> dict[str, str]:
    return {"case": case, "impl": impl, "metric": metric, "p50": str(value)}


def test_goals_say_what_is_reached() -> None:
    rows = [
        row("loss-512", "published", "time", 1400),
        row("loss-512", "tiled", "time", 90),
        row("loss-512", "published", "memory", 700),
        row("loss-512", "tiled", "memory", 50),
        row("length-1024", "tiled", "time", 10),
        row("length-4096", "tiled", "time", 170),
        row("types-10000", "tiled", "memory", 1000),
        row("head-512", "published", "time", 100),
        row("head-512", "tiled", "time", 25),
    ]
    lines = [line[1:] for line in goal_lines(rows)]
    assert lines == [
        ("time", "1,400 ms", "90 ms", "15.6", "at least 14", "yes"),
        ("memory", "700 MiB", "50 MiB", "14.0", "at least 16", "no"),
        ("memory", "", "1,000 MiB", "", "at most 1,024 MiB", "yes"),
        ("time", "100 ms", "25 ms", "4.0", "", ""),
        ("time", "", "10 ms to 170 ms", "17.0", "at most 16", "no"),
    ]
    assert list(goal_lines(rows, "reference")) == []


def test_every_goal_is_measured_by_a_case() -> None:
    cases = CASES.keys() | training_step.CASES.keys()
    assert {name for goal in GOALS for name in (goal.case, goal.grows_from or goal.case)} <= cases


def test_the_table_of_the_page_is_made_of_the_rows(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SPAN_LOSS_TABLE", table)
    assert "measured yet" in tables.TABLES["span-loss"]()
    monkeypatch.setattr(
        span_loss_goals, "GOALS", [span_loss_goals.Goal("a loss", "time", "loss", "published", ours="reference")]
    )
    measure("loss")
    assert tables.TABLES["span-loss"]().splitlines()[2].startswith("| a loss | time | ")


def test_a_case_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        span_loss.main(["loss-513"])
    assert "loss-512" in capsys.readouterr().err
