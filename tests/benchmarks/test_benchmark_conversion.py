"""The measurement of large conversions, on a small file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.conversion import main


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is read from /proc")
def test_conversions_are_measured_there_and_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["conversion", "--mib", "1", "--to", ".inline", ".conll"])
    assert main() == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ways = [(row["from"], row["to"]) for row in rows]
    assert ways == [(".jsonl", ".inline"), (".inline", ".jsonl"), (".jsonl", ".conll"), (".conll", ".jsonl")]
    assert all(0.5 < row["mib"] < 2 and 0 < row["peak_rss_mib"] < 500 for row in rows)
