"""Servers that send the wrong thing, refuse, dawdle or mislead: one clear error, and nothing under the final name."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import random
from pathlib import Path

import pytest

from globalner.catalog import Transfer, TransferLimits, download
from globalner.config import FileCheck
from globalner.errors import DownloadError, OutputError

CONTENT = random.Random(5).randbytes(300_000)


def known(content: bytes = CONTENT) -> FileCheck:
    return FileCheck(path="a.txt", size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


UNKNOWN = FileCheck(path="a.txt")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_wrong_hash_is_an_error_and_keeps_nothing(server, tmp_path: Path, transfer: Transfer) -> None:
    wrong = CONTENT[:-1] + b"?"
    with pytest.raises(DownloadError, match=known().sha256 or "") as raised:
        download(server.serve("a.txt", wrong), tmp_path / "a.txt", known(), transfer)
    assert hashlib.sha256(wrong).hexdigest() in str(raised.value)
    assert names(tmp_path) == set()


def test_a_length_other_than_the_cards_is_seen_before_the_download(server, tmp_path: Path, transfer: Transfer) -> None:
    seen: list[int] = []
    watching = dataclasses.replace(transfer, progress=lambda _, done, __: seen.append(done))
    with pytest.raises(DownloadError, match=r"has 300,001 bytes, but the card says 300,000"):
        download(server.serve("a.txt", CONTENT + b"!"), tmp_path / "a.txt", known(), watching)
    assert seen == []


def test_a_body_that_goes_on_is_stopped(server, tmp_path: Path, transfer: Transfer) -> None:
    url = server.serve("a.txt", CONTENT + b"!" * 1_000_000, chunked=True)
    with pytest.raises(DownloadError, match="longer than the 300,000 bytes"):
        download(url, tmp_path / "a.txt", known(), transfer)
    assert names(tmp_path) == set()


def test_no_file_grows_without_end(server, tmp_path: Path, quick: TransferLimits) -> None:
    limits = dataclasses.replace(quick, max_bytes=10_000)
    for chunked in (False, True):
        url = server.serve("a.txt", CONTENT, chunked=chunked)
        with pytest.raises(DownloadError, match="longer than the 10,000 bytes"):
            download(url, tmp_path / "a.txt", UNKNOWN, Transfer(limits))


@pytest.mark.parametrize("short", [1, 150_000])
def test_a_length_that_is_told_too_short_is_seen(server, tmp_path: Path, transfer: Transfer, short: int) -> None:
    url = server.serve("a.txt", CONTENT, headers={"Content-Length": str(len(CONTENT) - short)})
    expected = known().model_copy(update={"size_bytes": None})
    with pytest.raises(DownloadError, match="SHA-256"):
        download(url, tmp_path / "a.txt", expected, transfer)


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (410, 1), (503, 3), (429, 3)])
def test_a_refusal_is_told_and_only_passing_ones_are_tried_again(
    server, tmp_path: Path, transfer: Transfer, status: int, requests: int
) -> None:
    url = server.serve("a.txt", b"<html>", status=status)
    with pytest.raises(DownloadError, match=rf"{url}: the server answers {status}"):
        download(url, tmp_path / "a.txt", known(), transfer)
    assert len(server.asked) == requests
    assert names(tmp_path) == set()


def test_a_server_that_asks_for_patience_gets_it(
    server, tmp_path: Path, transfer: Transfer, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("globalner.catalog.transfer.time.sleep", pauses.append)
    url = server.serve("a.txt", b"", status=503, headers={"Retry-After": "7"})
    with pytest.raises(DownloadError):
        download(url, tmp_path / "a.txt", known(), transfer)
    assert [pause for pause in pauses if pause] == [7.0, 7.0]
    assert "again in 7 s" in notes[0]


def test_a_silent_server_is_given_up(server, tmp_path: Path, transfer: Transfer) -> None:
    with pytest.raises(DownloadError, match="does not answer"):
        download(server.serve("a.txt", CONTENT, silent_s=0.8), tmp_path / "a.txt", known(), transfer)


def test_a_dripping_server_is_given_up_and_its_drops_are_kept(server, tmp_path: Path, transfer: Transfer) -> None:
    with pytest.raises(DownloadError, match=r"sent only [\d,]+ bytes in [\d.]+ s.*are kept"):
        download(server.serve("a.txt", CONTENT[:50_000], drip_s=0.05), tmp_path / "a.txt", UNKNOWN, transfer)


def test_nobody_there(tmp_path: Path, transfer: Transfer) -> None:
    with pytest.raises(DownloadError, match="no connection"):
        download("http://127.0.0.1:9/a.txt", tmp_path / "a.txt", known(), transfer)


def test_redirects_are_followed(server, tmp_path: Path, transfer: Transfer) -> None:
    server.serve("a.txt", CONTENT, cuts=[1000])
    url = server.serve("old", b"", status=302, headers={"Location": f"{server.url}/a.txt"})
    download(url, tmp_path / "a.txt", known(), transfer)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/a"])
def test_redirects_lead_to_the_web_only(server, tmp_path: Path, transfer: Transfer, address: str) -> None:
    url = server.serve("old", b"", status=302, headers={"Location": address})
    with pytest.raises(DownloadError, match=r"not a safe address|not allowed"):
        download(url, tmp_path / "a.txt", UNKNOWN, transfer)
    assert names(tmp_path) == set()


def test_redirects_that_turn_in_a_circle_end(server, tmp_path: Path, transfer: Transfer) -> None:
    url = server.serve("a", b"", status=302, headers={"Location": f"{server.url}/a"})
    with pytest.raises(DownloadError, match="302"):
        download(url, tmp_path / "a.txt", UNKNOWN, transfer)


def test_a_body_that_is_compressed_unasked_is_unpacked(server, tmp_path: Path, transfer: Transfer) -> None:
    content = b"the same again " * 50_000
    url = server.serve("a.txt", content, gzipped=True, cuts=[100])
    download(url, tmp_path / "a.txt", known(content), transfer)
    assert (tmp_path / "a.txt").read_bytes() == content


def test_a_compressed_body_does_not_grow_without_end(server, tmp_path: Path, quick: TransferLimits) -> None:
    url = server.serve("a.txt", bytes(5_000_000), gzipped=True)
    with pytest.raises(DownloadError, match="longer than"):
        download(url, tmp_path / "a.txt", UNKNOWN, Transfer(dataclasses.replace(quick, max_bytes=100_000)))


def test_a_gz_file_that_a_server_calls_compressed_stays_as_it_is(server, tmp_path: Path, transfer: Transfer) -> None:
    packed = gzip.compress(CONTENT)
    url = server.serve("a.tar.gz", packed, headers={"Content-Encoding": "gzip"})
    download(url, tmp_path / "a.tar.gz", known(packed), transfer)
    assert (tmp_path / "a.tar.gz").read_bytes() == packed


def test_another_encoding_is_refused(server, tmp_path: Path, transfer: Transfer) -> None:
    url = server.serve("a.txt", CONTENT, headers={"Content-Encoding": "br"})
    with pytest.raises(DownloadError, match="'br', which was not asked for"):
        download(url, tmp_path / "a.txt", known(), transfer)


def test_a_proxy_of_the_environment_is_asked(
    server, tmp_path: Path, transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "")
    server.serve("http://sets.example/a.txt", CONTENT)
    download("http://sets.example/a.txt", tmp_path / "a.txt", known(), transfer)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_a_folder_that_is_missing_is_an_output_error(server, tmp_path: Path, transfer: Transfer) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        download(server.serve("a.txt", CONTENT), tmp_path / "no" / "a.txt", known(), transfer)


def test_no_room_is_seen_before_the_download(
    server, tmp_path: Path, transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr("globalner.catalog.transfer.shutil.disk_usage", lambda _: Usage)
    with pytest.raises(OutputError, match="no room for 300,000 bytes"):
        download(server.serve("a.txt", CONTENT), tmp_path / "a.txt", known(), transfer)
