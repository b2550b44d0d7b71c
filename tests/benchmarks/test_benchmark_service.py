"""The benchmark of the service: its parts, and its cases for seconds around a rule. No test looks at a speed."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed")

from benchmarks import service
from benchmarks.service_cases import single_requests
from benchmarks.service_load import BROKEN, Load, Plan, post, run_load
from benchmarks.service_process import RULE, running
from benchmarks.service_replicas import nginx_program
from benchmarks.service_rows import Measured, Sizes, Subject, write_measured
from benchmarks.service_soak import Expected, differences, expected_answers, run_soak

TEXTS = ("Ana Reis of Bern.", "Nothing here.", "北京大学的王芳")


@pytest.fixture(scope="module")
def rule_server():
    with running("service", RULE) as server:
        yield server


def test_closed_loop_counts_answers_and_its_own_cpu(rule_server) -> None:
    requests = (*single_requests(TEXTS), post("/v1/extract", {"texts": []}), post("/v1/extract", {"text": ""}))
    load = run_load(Plan(rule_server.host, rule_server.port, requests, 60.0, clients=3, most_requests=50))
    assert load.total == 50
    assert load.count(200) + load.count(422) == 50
    assert load.count(422) >= 10
    assert 0 < load.cpu_s <= load.wall_s * 2
    assert all(time > 0 for times in load.latencies_ms.values() for time in times)


def test_open_loop_sends_what_is_due_whatever_comes_back(rule_server) -> None:
    plan = Plan(rule_server.host, rule_server.port, single_requests(TEXTS), 0.5, rate_per_s=100.0)
    load = run_load(plan)
    assert (load.total, load.unsent) == (50, 0)
    few = run_load(replace(plan, rate_per_s=2000.0, most_connections=1))
    assert few.unsent > 0
    assert few.total + few.unsent == 1000


def test_a_server_that_is_away_is_counted_as_broken() -> None:
    load = run_load(Plan("127.0.0.1", 9, single_requests(TEXTS), 60.0, clients=2, most_requests=6))
    assert load.statuses == f"{BROKEN}: 6"
    total = Load()
    total += load
    total += load
    assert total.count(BROKEN) == 12


def test_answers_under_faults_are_compared_with_the_model(rule_server) -> None:
    expected = expected_answers(RULE, TEXTS, seed=3)
    assert any(found for one in expected for found in one.entities)
    done = run_soak((rule_server.host, rule_server.port), expected, 1.5, 3)
    assert done.wrong == []
    assert done.compared > 0
    wrong = [Expected(one.request, (((0, 1, "PER", "x", 0.9),),) * len(one.entities)) for one in expected]
    done = run_soak((rule_server.host, rule_server.port), wrong, 0.5, 3)
    assert len(done.wrong) == done.compared


def test_every_difference_is_seen() -> None:
    def body(*entities: dict[str, object]) -> bytes:
        return json.dumps({"results": [{"entities": entities}]}).encode()

    found = {"start": 0, "end": 3, "label": "PER", "text": "Ana", "score": 0.9}
    expected = Expected(b"", (((0, 3, "PER", "Ana", 0.9),),))
    assert differences(expected, 200, body(found)) is None
    for change in ({"end": 4}, {"label": "LOC"}, {"text": "Ann"}, {"score": 0.95}):
        assert differences(expected, 200, body({**found, **change})) is not None
    assert differences(expected, 200, body()) is not None
    assert differences(expected, 200, b'{"results": []}') is not None
    assert differences(expected, 500, body(found)) is not None


def test_rows_carry_goals_quantiles_and_take_the_place_of_older_ones(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    old = Measured("latency", "p50", "ms", 9.0, "<= 1.3")
    write_measured([old, Measured("soak", "wrong", "answers", 0, "== 0")], table, "old")
    new = Measured("latency", "p50", "ms", 1.25, "<= 1.3", [1.0, 1.25, 2.0], 0.5)
    write_measured([new], table, "new")
    with table.open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["value"], first["met"], first["p50"], first["command"]) == ("1.2500", "yes", "1.2500", "new")
    assert (second["case"], second["met"], second["p50"], second["command"]) == ("soak", "yes", "", "old")
    assert first["commit"]
    assert (old.met, replace(old, goal="").met) == (False, None)
    assert "MISSED" in str(old)


def test_a_case_that_is_not_there_and_data_that_are_not_named_are_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GLOBALNER_DATA", raising=False)
    for words, message in ((["speed"], "there is no case 'speed'"), (["latency"], "--data-dir DIR")):
        with pytest.raises(SystemExit):
            service.main(words)
        assert message in capsys.readouterr().err


def run_short(tmp_path: Path, *cases: str) -> dict[tuple[str, str], dict[str, str]]:
    table = tmp_path / "short.csv"
    assert service.main([*cases, "--short", "--model", RULE, "--table", str(table)]) == 0
    with table.open(encoding="utf-8", newline="") as file:
        return {(row["case"], row["metric"]): row for row in csv.DictReader(file)}


@pytest.mark.slow
def test_overload_for_seconds(tmp_path: Path) -> None:
    rows = run_short(tmp_path, "overload")
    for times in (2, 5):
        assert rows[f"overload, {times} times", "answers but 200, 429 and 504"]["value"] == "0.0000"
    assert float(rows["overload, 2 times", "capacity"]["value"]) > 0


@pytest.mark.slow
@pytest.mark.skipif(nginx_program() is None, reason="nginx is not installed")
def test_replicas_lose_nothing_in_a_restart_and_little_in_a_kill(tmp_path: Path) -> None:
    rows = run_short(tmp_path, "replicas")
    assert len(rows) == 6
    assert [row for row in rows.values() if row["met"] != "yes"] == []
    for (_, metric), row in rows.items():
        if metric.startswith("failures"):
            assert int(row["details"].split()[0]) > 0, "the client was answered"


@pytest.mark.slow
def test_every_other_case_for_seconds(tmp_path: Path) -> None:
    rows = run_short(tmp_path, "throughput", "latency", "soak", "fuzz")
    assert {case for case, _ in rows} == {"throughput, 64 clients", "latency, 1 client", "soak", "fuzz"}
    assert rows["soak", "wrong answers"]["value"] == "0.0000"
    assert rows["throughput, 64 clients", "service"]["load_cpu_s"]
    assert Sizes.short().rounds == 1
    assert Subject(RULE, TEXTS, Sizes()).sizes.soak_s == 600
