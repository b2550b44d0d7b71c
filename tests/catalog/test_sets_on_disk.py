"""Sets whose files are on disk already: taken and checked like downloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.catalog import CARD_FILE, README_FILE
from globalner.config import DataCard, read_card
from globalner.errors import DataError
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


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    (folder / "deep").mkdir(parents=True)
    (folder / "train.conll").write_bytes(TRAIN)
    (folder / "deep" / "dev.conll").write_bytes(DEV)
    (folder / "other.txt").write_bytes(b"not asked for")
    return folder


def test_what_the_catalogue_does_not_know_is_told(card_of, facts, server, options: GetOptions) -> None:
    url = server.serve("a.conll", TRAIN).replace("http:", "https:")
    card = card_of(files=[{"path": "a.conll", "url": url}], splits={"train": "a.conll"})
    source = target_of(options).parent.parent / "mine"
    source.mkdir()
    (source / "a.conll").write_bytes(TRAIN)
    got = get_data_set(card, changed(options, source=source))
    assert got.unchecked == ("a.conll",)
    assert got.card.files[0].sha256 == facts(TRAIN)["sha256"]


def test_files_on_disk_are_taken_and_checked(server, card: DataCard, options: GetOptions, source: Path) -> None:
    got = get_data_set(card, changed(options, source=source))
    assert held(got.folder) == {"train.conll": TRAIN, "deep/dev.conll": DEV}
    assert server.asked == []
    assert (source / "train.conll").read_bytes() == TRAIN


def test_wrong_and_missing_files_on_disk_are_told(card: DataCard, options: GetOptions, source: Path) -> None:
    (source / "train.conll").write_bytes(TRAIN.upper())
    with pytest.raises(DataError, match="SHA-256") as raised:
        get_data_set(card, changed(options, source=source))
    assert raised.value.path == str(source / "train.conll")
    (source / "train.conll").unlink()
    (source / "deep" / "dev.conll").unlink()
    with pytest.raises(DataError, match=r"lacks files of the set own: train\.conll, deep/dev\.conll"):
        get_data_set(card, changed(options, source=source))
    with pytest.raises(DataError, match="is no folder"):
        get_data_set(card, changed(options, source=source / "nothing"))
    assert not target_of(options).exists()


def test_an_archive_on_disk_or_what_it_holds_is_taken(
    server, packed_card: DataCard, options: GetOptions, source: Path
) -> None:
    (source / "dev.conll").write_bytes(DEV)
    got = get_data_set(packed_card, changed(options, source=source))
    assert held(got.folder) == {"train.conll": TRAIN, "dev.conll": DEV}
    (source / "own.zip").write_bytes(server.files["own.zip"].content)
    (source / "train.conll").unlink()
    again = get_data_set(packed_card, changed(options, source=source, output_dir=options.output_dir / "b" / "own"))  # type: ignore[operator]
    assert held(again.folder) == {"train.conll": TRAIN, "dev.conll": DEV}
    assert server.asked == []


def test_an_optional_file_may_be_missing(card: DataCard, options: GetOptions, source: Path) -> None:
    (source / "train.conll").unlink()
    files = [card.files[0].model_copy(update={"optional": True}), card.files[1]]
    got = get_data_set(card.model_copy(update={"files": files}), changed(options, source=source))
    assert got.card.splits == {"dev": "deep/dev.conll"}
    assert got.report.counts == {"optional file that is not there": 1, "split that is not there": 1}
    assert read_card(got.folder / CARD_FILE) == got.card


def test_a_whole_folder_is_taken_where_the_card_knows_no_files(card_of, options: GetOptions, source: Path) -> None:
    card = card_of(obtain="write to us.", splits={"train": "train.conll", "dev": "deep"})
    (source / ".git").mkdir()
    (source / ".git" / "config").write_text("x")
    (source / "link").symlink_to("/etc/hostname")
    got = get_data_set(card, changed(options, source=source))
    assert set(held(got.folder)) == {"train.conll", "deep/dev.conll", "other.txt"}
    assert got.report.counts == {"hidden file left out": 1, "link or device left out": 1}
    assert len(got.unchecked) == 3
    assert get_data_set(card, options).already_there


def test_a_folder_beside_its_source_does_not_copy_itself(card_of, options: GetOptions, source: Path) -> None:
    card = card_of(obtain="write to us.", splits={"train": "train.conll"})
    got = get_data_set(card, changed(options, source=source, output_dir=source / "own"))
    assert set(held(got.folder)) == {"train.conll", "deep/dev.conll", "other.txt"}
