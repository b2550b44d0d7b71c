"""Downloads over connections that are cut: whole and checked in the end, nothing fetched twice without need."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from globalner.catalog import Transfer, TransferLimits, download
from globalner.config import FileCheck
from globalner.errors import DownloadError

CONTENT = random.Random(5).randbytes(300_000)


def known(content: bytes = CONTENT) -> FileCheck:
    return FileCheck(path="a.txt", size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


UNKNOWN = FileCheck(path="a.txt")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_comes_whole_and_its_progress_is_told(server, tmp_path: Path, quick: TransferLimits) -> None:
    url = server.serve("a.txt", CONTENT)
    seen: list[tuple[str, int, int | None]] = []
    found = download(url, tmp_path / "a.txt", known(), Transfer(quick, lambda *step: seen.append(step)))
    assert (tmp_path / "a.txt").read_bytes() == CONTENT
    assert names(tmp_path) == {"a.txt"}
    assert found == known()
    assert seen[-1] == ("a.txt", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


def test_what_is_not_known_is_measured(server, tmp_path: Path, transfer: Transfer) -> None:
    assert download(server.serve("a.txt", CONTENT), tmp_path / "a.txt", UNKNOWN, transfer) == known()


def test_an_empty_file_is_a_file(server, tmp_path: Path, transfer: Transfer) -> None:
    download(server.serve("a.txt", b""), tmp_path / "a.txt", UNKNOWN, transfer)
    assert (tmp_path / "a.txt").read_bytes() == b""


@pytest.mark.parametrize("chunked", [False, True])
def test_a_cut_connection_is_taken_up_where_it_was_cut(
    server, tmp_path: Path, transfer: Transfer, notes: list[str], chunked: bool
) -> None:
    url = server.serve("a.txt", CONTENT, cuts=[100_000, 0, 70_000, 0, 1], chunked=chunked)
    download(url, tmp_path / "a.txt", known(), transfer)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT
    assert server.ranges[0] is None
    assert all(server.ranges[1:])
    assert all(headers["If-Range"] == '"1"' for _, headers in server.asked[1:])
    assert len(notes) == 5
    assert "again in" in notes[0]


def test_progress_counts_more_than_failures(server, tmp_path: Path, transfer: Transfer) -> None:
    cuts = [30_000] * 9
    assert len(cuts) > transfer.limits.attempts
    download(server.serve("a.txt", CONTENT, cuts=cuts), tmp_path / "a.txt", known(), transfer)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_the_next_call_goes_on_where_the_last_one_gave_up(server, tmp_path: Path, transfer: Transfer) -> None:
    url = server.serve("a.txt", CONTENT, cuts=[100_000, 0, 0, 0])
    with pytest.raises(DownloadError, match=r"closed 200,000 bytes before the end|cut.*100,000 bytes are kept"):
        download(url, tmp_path / "a.txt", known(), transfer)
    assert names(tmp_path) == {"a.txt.part", "a.txt.part.json"}
    server.files["a.txt"].cuts.clear()
    server.asked.clear()
    download(url, tmp_path / "a.txt", known(), transfer)
    assert server.ranges == ["bytes=100000-"]
    assert (tmp_path / "a.txt").read_bytes() == CONTENT
    assert names(tmp_path) == {"a.txt"}


def test_a_whole_part_that_was_not_finished_needs_no_request(server, tmp_path: Path, transfer: Transfer) -> None:
    (tmp_path / "a.txt.part").write_bytes(CONTENT)
    download(server.serve("a.txt", CONTENT), tmp_path / "a.txt", known(), transfer)
    assert server.asked == []
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_a_part_without_a_version_or_hash_is_not_gone_on_with(server, tmp_path: Path, transfer: Transfer) -> None:
    (tmp_path / "a.txt.part").write_bytes(b"of another file")
    download(server.serve("a.txt", CONTENT), tmp_path / "a.txt", UNKNOWN, transfer)
    assert server.ranges == [None]
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_a_part_of_another_address_is_not_gone_on_with(server, tmp_path: Path, transfer: Transfer) -> None:
    url = server.serve("old.txt", b"x" * 1000, cuts=[10, 0, 0, 0])
    with pytest.raises(DownloadError):
        download(url, tmp_path / "a.txt", UNKNOWN, transfer)
    download(server.serve("a.txt", CONTENT), tmp_path / "a.txt", UNKNOWN, transfer)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_all_bytes_there_and_no_length_known(server, tmp_path: Path, transfer: Transfer) -> None:
    url = server.serve("a.txt", CONTENT, headers={"Content-Length": str(len(CONTENT) + 7)})
    download(url, tmp_path / "a.txt", UNKNOWN, transfer)  # 416 says that nothing is left
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_without_ranges_a_cut_file_starts_again(server, tmp_path: Path, transfer: Transfer, notes: list[str]) -> None:
    url = server.serve("a.txt", CONTENT, cuts=[100_000, 150_000], ranges=False)
    download(url, tmp_path / "a.txt", known(), transfer)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT
    assert any("from the start" in note for note in notes)


def test_without_ranges_progress_ends_at_last(server, tmp_path: Path, transfer: Transfer) -> None:
    url = server.serve("a.txt", CONTENT, cuts=[100, 200, 300, 400, 500], ranges=False)
    with pytest.raises(DownloadError):
        download(url, tmp_path / "a.txt", known(), transfer)
    assert len(server.asked) == transfer.limits.attempts


def test_a_file_that_changes_on_the_way_starts_again(server, tmp_path: Path, transfer: Transfer) -> None:
    url = server.serve("a.txt", b"y" * len(CONTENT), cuts=[100_000, 0])

    def change(_: str) -> None:
        if len(server.asked) == 2:
            server.serve("a.txt", CONTENT, etag='"2"')

    server.on_request = change
    download(url, tmp_path / "a.txt", UNKNOWN, transfer)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_pieces_that_do_not_fit_are_thrown_away_once(
    server, tmp_path: Path, transfer: Transfer, notes: list[str]
) -> None:
    (tmp_path / "a.txt.part").write_bytes(b"z" * 1000)
    download(server.serve("a.txt", CONTENT), tmp_path / "a.txt", known(), transfer)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT
    assert any("do not fit together" in note for note in notes)


def test_pieces_that_never_fit_end_in_an_error(server, tmp_path: Path, transfer: Transfer) -> None:
    other = bytes(len(CONTENT))
    url = server.serve("a.txt", other, cuts=[1000, 500] * 4)
    with pytest.raises(DownloadError, match="SHA-256"):
        download(url, tmp_path / "a.txt", known(), transfer)
    assert names(tmp_path) == set()
