"""Archives: good ones come out as they went in, bad ones are refused before they do harm."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalner.catalog import UnpackLimits, unpack
from globalner.errors import DataError, OutputError

FILES = {"set/a.txt": b"one", "set/deep/b.txt": b"two" * 1000, "c.txt": b""}
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}


def tar_of(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def pack(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    suffix = next(suffix for suffix in TAR_MODES if path.name.endswith(suffix))
    return tar_of(path, [(tarfile.TarInfo(name), content) for name, content in files.items()], TAR_MODES[suffix])


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def refused(archive: Path, out: Path, match: str, limits: UnpackLimits | None = None) -> None:
    before = {path for path in out.parent.rglob("*") if not path.is_relative_to(out)}
    with pytest.raises(DataError, match=match) as raised:
        unpack(archive, out, limits=limits)
    assert raised.value.path == str(archive)
    assert {path for path in out.parent.rglob("*") if not path.is_relative_to(out)} == before, "it left the folder"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_kind_of_archive_is_unpacked(tmp_path: Path, out: Path, suffix: str) -> None:
    paths, report = unpack(pack(tmp_path / f"a{suffix}", FILES), out)
    assert held(out) == FILES
    assert paths == list(FILES)
    assert not report


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_only_some_files_from_wherever_they_lie(tmp_path: Path, out: Path, suffix: str) -> None:
    paths, report = unpack(pack(tmp_path / f"a{suffix}", FILES), out, only=["deep/b.txt", "a.txt"])
    assert held(out) == {"a.txt": FILES["set/a.txt"], "deep/b.txt": FILES["set/deep/b.txt"]}
    assert sorted(paths) == ["a.txt", "deep/b.txt"]
    assert report.counts == {"file of the archive not needed": 1}


def test_a_missing_or_ambiguous_file_is_an_error(tmp_path: Path, out: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"x/a.txt": b"1", "y/a.txt": b"2"})
    with pytest.raises(DataError, match=r"lacks b\.txt"):
        unpack(archive, out, only=["b.txt"])
    with pytest.raises(DataError, match=r"several files 'a\.txt'"):
        unpack(archive, out, only=["a.txt"])


def test_files_of_operating_systems_are_left_out_and_counted(tmp_path: Path, out: Path) -> None:
    files = {"a.txt": b"1", "__MACOSX/._a.txt": b"2", "set/.DS_Store": b"3", "set/._b": b"4"}
    _, report = unpack(pack(tmp_path / "a.zip", files), out)
    assert held(out) == {"a.txt": b"1"}
    assert sum(report.counts.values()) == 3


BAD_NAMES = ("../evil", "a/../../evil", "/evil", "..\\evil", "C:\\evil", "C:evil", "a/..", "ev\x01il", "ev\nil", "./..")


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, out: Path, suffix: str, name: str) -> None:
    refused(pack(tmp_path / f"a{suffix}", {"good.txt": b"1", name: b"2"}), out, "not safe")


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b.txt", "\\", "/", "C:", "..\\", "\x00"]), min_size=1))
def test_no_name_leads_out(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("names")
    out = folder / "in" / "out"
    out.mkdir(parents=True)
    archive = tar_of(folder / "a.tar", [(tarfile.TarInfo("/".join(parts)), b"x")])
    try:
        paths, _ = unpack(archive, out)
    except (DataError, OutputError):
        paths = None
    inside = held(out)
    assert paths is None or sorted(inside) == sorted(paths)
    assert set(held(folder)) - {"a.tar"} == {f"in/out/{name}" for name in inside}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE]
)
def test_links_and_devices_of_a_tar_are_refused(tmp_path: Path, out: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("link")
    info.type, info.linkname = kind, "/etc/hostname"
    if kind == tarfile.CONTTYPE:  # an old name of a plain file
        unpack(tar_of(tmp_path / "a.tar", [(info, b"x")]), out)
        return
    refused(tar_of(tmp_path / "a.tar", [(info, b"")]), out, "link or a device")


def test_a_link_and_then_a_file_behind_it_do_not_lead_out(tmp_path: Path, out: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tarfile.TarInfo("sub")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "elsewhere")
    refused(tar_of(tmp_path / "a.tar", [(link, b""), (tarfile.TarInfo("sub/evil"), b"x")]), out, "link or a device")


def test_links_of_a_zip_are_refused(tmp_path: Path, out: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/hostname")
    refused(tmp_path / "a.zip", out, "link or a device")


def test_rights_of_the_archive_are_not_taken_over(tmp_path: Path, out: Path) -> None:
    info = tarfile.TarInfo("a.sh")
    info.mode = 0o6777
    unpack(tar_of(tmp_path / "a.tar", [(info, b"x")]), out)
    assert (out / "a.sh").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path, out: Path, suffix: str) -> None:
    archive = pack(tmp_path / f"bomb{suffix}", {"zeros": bytes(8_000_000)})
    assert archive.stat().st_size < 10_000
    limits = UnpackLimits(free_bytes=1_000_000)
    refused(archive, out, r"unpacks to more than [\d,]+ bytes", limits)
    assert sum(len(content) for content in held(out).values()) == 0


def test_a_bomb_in_many_files_is_refused(tmp_path: Path, out: Path) -> None:
    archive = pack(tmp_path / "a.zip", {f"{number}": bytes(100_000) for number in range(100)})
    refused(archive, out, "unpacks to more than", UnpackLimits(free_bytes=1_000_000))
    assert sum(len(content) for content in held(out).values()) <= 100 * archive.stat().st_size


def test_a_bomb_in_a_file_that_is_passed_by_is_refused(tmp_path: Path, out: Path) -> None:
    archive = pack(tmp_path / "a.tar.gz", {"zeros": bytes(8_000_000), "a.txt": b"1"})
    with pytest.raises(DataError, match="unpacks to more than"):
        unpack(archive, out, only=["a.txt"], limits=UnpackLimits(free_bytes=1_000_000))


def test_a_bomb_in_a_header_does_not_fill_the_memory(tmp_path: Path, out: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type = tarfile.XHDTYPE
    archive = tar_of(tmp_path / "a.tar.gz", [(header, bytes(20_000_000))], "w:gz")
    assert archive.stat().st_size < 100_000
    tracemalloc.start()
    refused(archive, out, "cannot be read: a header says that it is 20,000,")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_texts_that_repeat_themselves_are_no_bomb(tmp_path: Path, out: Path) -> None:
    files = {"a.txt": b"the same sentence again and again\n" * 100_000}
    unpack(pack(tmp_path / "a.zip", files), out)
    assert held(out) == files


def test_too_many_files_are_refused(tmp_path: Path, out: Path) -> None:
    archive = pack(tmp_path / "a.zip", {f"{number}": b"" for number in range(11)})
    refused(archive, out, "more than 10 files", UnpackLimits(max_files=10))


def test_a_zip_that_lies_about_lengths_is_refused(tmp_path: Path, out: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"a.txt": bytes(1_000_000)})
    content = bytearray(archive.read_bytes())
    told = struct.pack("<I", 1_000_000)
    for _ in range(2):  # in the file's own head and in the directory
        at = content.index(told)
        content[at : at + 4] = struct.pack("<I", 10)
    archive.write_bytes(content)
    refused(archive, out, "cannot be read")


def test_the_same_path_twice_is_refused(tmp_path: Path, out: Path) -> None:
    archive = tar_of(tmp_path / "a.tar", [(tarfile.TarInfo("a"), b"1"), (tarfile.TarInfo("./a"), b"2")])
    refused(archive, out, "stands there twice")


def test_an_encrypted_file_is_refused(tmp_path: Path, out: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"a.txt": b"1"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refused(archive, out, "is encrypted")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("damage", ["cut", "noise", "page", "empty"])
def test_a_damaged_archive_is_an_error(tmp_path: Path, out: Path, suffix: str, damage: str) -> None:
    archive = pack(tmp_path / f"a{suffix}", {"a.txt": bytes(range(256)) * 500})
    content = archive.read_bytes()
    middle = len(content) // 2
    damaged = {
        "cut": content[:middle],
        "noise": content[:60] + bytes(byte ^ 85 for byte in content[60:-60]) + content[-60:],
        "page": b"<html>Not found</html>",
        "empty": b"",
    }
    if suffix == ".tar" and damage == "noise":  # a tar without compression has no checksum of its content
        return
    archive.write_bytes(damaged[damage])
    refused(archive, out, "cannot be read")


def test_what_is_there_is_not_replaced(tmp_path: Path, out: Path) -> None:
    (out / "c.txt").write_bytes(b"mine")
    with pytest.raises(OutputError, match="cannot be written"):
        unpack(pack(tmp_path / "a.zip", FILES), out)
    assert (out / "c.txt").read_bytes() == b"mine"


def test_a_missing_archive_is_an_error(tmp_path: Path, out: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        unpack(tmp_path / "no.zip", out)
