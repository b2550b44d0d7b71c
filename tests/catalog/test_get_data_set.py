"""Getting a set: its folder appears whole and checked, or not at all, however it goes wrong."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from globalner.catalog import CARD_FILE, README_FILE, SetFolder, Transfer, TransferLimits, UnpackLimits
from globalner.config import DataCard, read_card
from globalner.errors import DataError, DownloadError, OutputError
from globalner.workflows import GetOptions, get_data_set

TRAIN = b"Ada B-PER\nleft O\n\n"
DEV = b"Bob B-PER\nstays O\n\n"
OWN = {CARD_FILE, README_FILE}


def target_of(options: GetOptions) -> Path:
    assert options.output_dir is not None
    return options.output_dir


def held(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name not in OWN}


def beside(options: GetOptions) -> set[str]:
    return {path.name for path in target_of(options).parent.iterdir()} - {target_of(options).name}


def changed(options: GetOptions, **changes: object) -> GetOptions:
    return GetOptions(**(vars(options) | changes))  # type: ignore[arg-type]


def test_a_set_is_downloaded_with_its_card_and_a_page(card: DataCard, options: GetOptions) -> None:
    got = get_data_set(card, options)
    assert held(got.folder) == {"train.conll": TRAIN, "deep/dev.conll": DEV}
    assert beside(options) == set()
    assert not got.already_there
    assert got.unchecked == ()
    assert read_card(got.folder / CARD_FILE) == got.card == card
    page = (got.folder / README_FILE).read_text("utf-8")
    assert all(text in page for text in ("Own letters", "CC0", "nobody 2020", "deep/dev.conll", "globalner train"))
    (command,) = got.commands
    assert f"data.train={got.folder}/train.conll" in command


def test_a_set_that_is_there_is_checked_and_not_fetched_again(server, card: DataCard, options: GetOptions) -> None:
    first = get_data_set(card, options)
    asked = len(server.asked)
    again = get_data_set(card, options)
    assert again.already_there
    assert (again.card, again.commands) == (first.card, first.commands)
    assert len(server.asked) == asked


def test_a_set_that_was_changed_is_not_taken_for_whole(card: DataCard, options: GetOptions) -> None:
    got = get_data_set(card, options)
    (got.folder / "train.conll").write_bytes(b"other")
    with pytest.raises(OutputError, match=r"not as it was made: .*train\.conll"):
        get_data_set(card, options)
    assert (got.folder / "train.conll").read_bytes() == b"other"


def test_another_version_or_another_set_is_not_replaced(card: DataCard, options: GetOptions) -> None:
    got = get_data_set(card, options)
    with pytest.raises(OutputError, match="holds the set 'own'"):
        get_data_set(card.model_copy(update={"name": "second"}), options)
    newer = card.files[0].model_copy(update={"sha256": "0" * 64})
    with pytest.raises(OutputError, match=r"another version of the set \(train\.conll\)"):
        get_data_set(card.model_copy(update={"files": [newer, card.files[1]]}), options)
    assert held(got.folder) == {"train.conll": TRAIN, "deep/dev.conll": DEV}


def test_a_folder_of_somebody_is_not_touched(card: DataCard, options: GetOptions) -> None:
    target_of(options).mkdir(parents=True)
    (target_of(options) / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="globalner did not make it"):
        get_data_set(card, options)
    assert held(target_of(options)) == {"mine.txt": b"mine"}
    assert beside(options) == set()


def test_an_empty_folder_is_filled(card: DataCard, options: GetOptions) -> None:
    target_of(options).mkdir(parents=True)
    assert held(get_data_set(card, options).folder) == {"train.conll": TRAIN, "deep/dev.conll": DEV}


def test_an_archive_is_unpacked_and_not_kept(facts, packed_card: DataCard, options: GetOptions) -> None:
    got = get_data_set(packed_card, options)
    assert held(got.folder) == {"train.conll": TRAIN, "dev.conll": DEV}
    assert got.report.counts == {"file of the archive not needed": 1}
    assert [part.sha256 for part in got.card.files[0].holds] == [facts(TRAIN)["sha256"], facts(DEV)["sha256"]]
    assert got.unchecked == ()  # the archive's hash is known
    assert get_data_set(packed_card, options).already_there


@pytest.mark.parametrize("failing", ["train.conll", "dev.conll"])
def test_a_file_that_fails_leaves_no_folder(server, card: DataCard, options: GetOptions, failing: str) -> None:
    server.files[failing].status = 404
    with pytest.raises(DownloadError, match="404"):
        get_data_set(card, options)
    assert not target_of(options).exists()
    server.files[failing].status = 200
    server.asked.clear()
    get_data_set(card, options)
    assert held(target_of(options)) == {"train.conll": TRAIN, "deep/dev.conll": DEV}
    assert [name for name, _ in server.asked] == (
        ["dev.conll"] if failing == "dev.conll" else ["train.conll", "dev.conll"]
    )
    assert beside(options) == set()


def test_a_wrong_hash_leaves_nothing(server, card: DataCard, options: GetOptions) -> None:
    server.serve("train.conll", TRAIN.upper())
    with pytest.raises(DownloadError, match="SHA-256"):
        get_data_set(card, options)
    assert not target_of(options).exists()
    assert beside(options) == set()


def test_a_wrong_file_in_an_archive_leaves_no_folder(packed_card: DataCard, options: GetOptions) -> None:
    (file,) = packed_card.files
    wrong = file.holds[0].model_copy(update={"sha256": "0" * 64})
    card = packed_card.model_copy(update={"files": [file.model_copy(update={"holds": [wrong, file.holds[1]]})]})
    with pytest.raises(DataError, match=r"train\.conll: has SHA-256"):
        get_data_set(card, options)
    assert not target_of(options).exists()


def test_a_bomb_and_a_path_out_of_the_folder_leave_nothing(card_of, zip_of, facts, server, options: GetOptions) -> None:
    for content, words in (
        (zip_of({"../../evil": b"x"}), "leads out"),
        (zip_of({"a": bytes(3_000_000)}), "unpacks to"),
    ):
        url = server.serve("own.zip", content)
        card = card_of(files=[{"path": "own.zip", "url": url, "unpack": True, **facts(content)}])
        with pytest.raises(DataError, match=words):
            get_data_set(card, changed(options, unpacking=UnpackLimits(free_bytes=100_000)))
        assert not target_of(options).exists()
        assert list(target_of(options).parent.parent.rglob("evil")) == []


def test_a_split_that_is_not_there_is_an_error(card_of, zip_of, facts, server, options: GetOptions) -> None:
    packed = zip_of({"x/a.conll": TRAIN})
    files = [{"path": "own.zip", "url": server.serve("own.zip", packed), "unpack": True, **facts(packed)}]
    with pytest.raises(DataError, match=r"train split of own should be 'train\.conll'.*there are: .*x/a\.conll"):
        get_data_set(card_of(files=files, splits={"train": "train.conll"}), options)
    assert not target_of(options).exists()


def test_a_restricted_set_needs_a_yes(card_of, server, card: DataCard, options: GetOptions) -> None:
    closed = card_of(
        **card.model_dump(include={"files", "splits"}), restricted="Ask first.", terms="https://sets.example/terms"
    )
    with pytest.raises(DataError, match=r"Ask first.*https://sets\.example/terms.*--accept-terms"):
        get_data_set(closed, options)
    assert server.asked == []
    assert not target_of(options).parent.exists()
    assert not get_data_set(closed, changed(options, accept_terms=True)).already_there


def test_a_set_without_addresses_says_how_to_get_it(card_of, options: GetOptions) -> None:
    card = card_of(obtain="write to us.")
    with pytest.raises(DataError, match=r"cannot be downloaded: write to us\. .*--from"):
        get_data_set(card, options)
    assert not target_of(options).parent.exists()


def test_sets_that_are_asked_for_at_once_are_fetched_once(server, card: DataCard, options: GetOptions) -> None:
    server.files["train.conll"].silent_s = 0.2
    results: list[bool] = []
    notes: list[str] = []
    waiting = changed(options, transfer=Transfer(options.transfer.limits, note=notes.append))
    threads = [
        threading.Thread(target=lambda: results.append(get_data_set(card, waiting).already_there)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True, True, True]
    assert sorted(name for name, _ in server.asked) == ["dev.conll", "train.conll"]
    assert any("waiting" in note for note in notes)
    assert beside(options) == set()


def test_a_killed_process_leaves_no_folder_and_no_lock(server, card: DataCard, options: GetOptions) -> None:
    server.files["dev.conll"].silent_s = 5.0
    patient = changed(options, transfer=Transfer(TransferLimits(timeout_s=20.0)))
    child = multiprocessing.get_context("spawn").Process(target=get_data_set, args=(card, patient))
    child.start()
    deadline = time.monotonic() + 60
    while not any(name == "dev.conll" for name, _ in server.asked):
        assert time.monotonic() < deadline, "the other process asks for nothing"
        time.sleep(0.01)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert not target_of(options).exists()
    server.files["dev.conll"].silent_s = 0.0
    server.asked.clear()
    get_data_set(card, options)
    assert held(target_of(options)) == {"train.conll": TRAIN, "deep/dev.conll": DEV}
    assert [name for name, _ in server.asked] == ["dev.conll"]  # the first file was whole already
    assert beside(options) == set()


def test_nothing_half_made_is_ever_seen(server, card: DataCard, options: GetOptions) -> None:
    seen: list[bool] = []
    server.on_request = lambda _: seen.append(target_of(options).exists())
    get_data_set(card, options)
    assert seen == [False, False]


def test_a_folder_that_cannot_be_made_is_an_output_error(card: DataCard, tmp_path: Path, options: GetOptions) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        get_data_set(card, changed(options, output_dir=tmp_path / "file" / "own"))


def test_the_folder_of_a_set_is_named_as_it_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert SetFolder(Path("a/../b")).target == tmp_path / "b"
