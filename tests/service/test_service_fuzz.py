"""Short runs of the two fuzzers; `python -m benchmarks.service_fuzz` has the long ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed")
REPOSITORY = Path(__file__).resolve().parents[2]
if not (REPOSITORY / "benchmarks").is_dir():
    pytest.skip("a source distribution comes without benchmarks", allow_module_level=True)


def fuzz(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.service_fuzz", *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def url(spawn_server):
    timeouts = {"header_timeout_s": 0.3, "body_timeout_s": 0.3, "keep_alive_timeout_s": 0.3}
    process, url = spawn_server(**timeouts, max_queue_windows=10_000)
    yield url
    process.terminate()
    assert process.wait(20) == 0
    assert "Traceback" not in process.stderr.read()


def test_requests_made_from_the_schema_pass_all_checks(url):
    done = fuzz("schema", "--cases", "70", "--url", url)
    assert done.returncode == 0, done.stdout + done.stderr


def test_broken_bytes_make_no_5xx_no_crash_and_no_hang(url):
    done = fuzz("bytes", "--cases", "400", "--url", url)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_many_requests_made_from_the_schema():
    done = fuzz("schema", "--cases", "5000")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_very_many_broken_bytes():
    done = fuzz("bytes", "--cases", "10000")
    assert done.returncode == 0, done.stdout + done.stderr
