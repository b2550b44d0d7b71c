"""The cache of windows: its keys, two processes at once, a process that is killed, damage, age."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from globalner import Document, Entity, LabelSet
from globalner.data import (
    ContextRule,
    Report,
    TextTokenizer,
    WindowCache,
    WindowRules,
    WindowSize,
    default_cache_folder,
    survey_documents,
)
from globalner.encoders import build_character_tokenizer
from globalner.errors import OutputError

BACKEND = build_character_tokenizer(["abcdefgh "]).backend_tokenizer
TOKENIZER = TextTokenizer(BACKEND, "token")
RULES = WindowRules(TOKENIZER, LabelSet(("A", "B")), WindowSize(12, 3))
DOCUMENTS = [Document("abcdefgh " * 5, (Entity(0, 4, "A"),)), Document("ab", id="x")]


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in (folder / "windows").iterdir())


def test_all_that_windows_depend_on_is_in_their_name(tmp_path: Path) -> None:
    other_tokenizer = TextTokenizer(build_character_tokenizer(["abc"]).backend_tokenizer, "token")
    word_tokenizer = TextTokenizer(BACKEND, "word")
    different = [
        replace(RULES, tokenizer=other_tokenizer),
        replace(RULES, tokenizer=word_tokenizer),
        replace(RULES, labels=LabelSet(("B", "A"))),
        replace(RULES, size=WindowSize(13, 3)),
        replace(RULES, size=WindowSize(12, 4)),
        replace(RULES, size=WindowSize(12, 3, 2)),
        replace(RULES, size=WindowSize(12, 3, context=ContextRule("document", 2))),
    ]
    cache = WindowCache(tmp_path)
    for rules in (RULES, *different):
        assert cache.windows(DOCUMENTS, "0", rules, Report())[1] is False
    assert cache.windows(DOCUMENTS, "1", RULES, Report())[1] is False
    assert cache.windows(DOCUMENTS, "0", RULES, Report())[1] is True
    assert len(entries(tmp_path)) == len(different) + 2


def test_a_digest_tells_all_that_windows_are_made_from() -> None:
    base = Document("abc", (Entity(0, 1, "A"),), tokens=((0, 1), (1, 3)), id="d.1")
    sets = [
        [base],
        [replace(base, text="abd", entities=(Entity(0, 1, "A"),))],
        [replace(base, entities=(Entity(0, 2, "A"),))],
        [replace(base, entities=(Entity(0, 1, "B"),))],
        [replace(base, tokens=None)],
        [replace(base, tokens=())],
        [base, base],
        [Document("abc"), Document("d")],
        [Document("ab"), Document("cd")],
        [],
    ]
    assert len({survey_documents(some).digest for some in sets}) == len(sets)
    assert survey_documents([base]).digest == survey_documents([replace(base, id="z", extra={"k": 1})]).digest
    rule = ContextRule("document", 4)
    pair, strangers = [base, replace(base, id="d.2")], [base, replace(base, id="e.2")]
    assert survey_documents(pair).digest == survey_documents(strangers).digest
    assert survey_documents(pair, rule).digest != survey_documents(strangers, rule).digest
    survey = survey_documents(pair)
    assert (survey.documents, survey.entities, survey.chars, survey.labels.names) == (2, 2, 6, ("A",))


MAKE = """
import sys, time
from pathlib import Path
from tokenizers import Tokenizer
from globalner import Document, Entity, LabelSet
from globalner.data import Report, TextTokenizer, WindowCache, WindowRules, WindowSize

tokenizer = TextTokenizer(Tokenizer.from_str(sys.argv[3]), "token")
rules = WindowRules(tokenizer, LabelSet(("A", "B")), WindowSize(12, 3))

def documents():
    print("begun", flush=True)
    if sys.argv[2] == "wait":
        sys.stdin.read()
    for number in range(200):
        if sys.argv[2] == "slow":
            time.sleep(0.05)
        yield Document("abcdefgh " * 5, (Entity(0, 4, "A"),))

store, found = WindowCache(Path(sys.argv[1])).windows(documents(), "0", rules, Report())
print(found, len(store), sum(len(window.gold) for window in store), flush=True)
"""


def making(folder: Path, how: str) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", MAKE, str(folder), how, BACKEND.to_str()], **pipes)  # type: ignore[call-overload]


def test_two_processes_that_start_at_once_both_have_all_windows(tmp_path: Path) -> None:
    both = [making(tmp_path, "wait") for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
    printed = [process.communicate("", timeout=120)[0] for process in both]
    assert printed == ["False 1200 200\n"] * 2
    assert len(entries(tmp_path)) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal here")
def test_a_process_that_is_killed_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    process = making(tmp_path, "slow")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    (left,) = entries(tmp_path)
    assert left.endswith(".part")
    printed = making(tmp_path, "fast").communicate("", timeout=120)[0]
    assert printed == "begun\nFalse 1200 200\n"
    old = time.time() - 3 * 86_400
    os.utime(tmp_path / "windows" / left, (old, old))
    WindowCache(tmp_path).windows(DOCUMENTS, "9", RULES, Report())
    assert left not in entries(tmp_path)
    assert len(entries(tmp_path)) == 2


@pytest.mark.parametrize("harm", ["shorter", "no index", "no json", "gone"])
def test_damaged_windows_are_made_again(tmp_path: Path, harm: str) -> None:
    cache = WindowCache(tmp_path)
    store, _ = cache.windows(DOCUMENTS, "0", RULES, Report())
    folder = tmp_path / "windows" / entries(tmp_path)[0]
    if harm == "shorter":
        (folder / "tokens.bin").write_bytes((folder / "tokens.bin").read_bytes()[:-4])
    elif harm == "no index":
        (folder / "index.json").unlink()
    elif harm == "no json":
        (folder / "index.json").write_text("{", encoding="utf-8")
    else:
        (folder / "gold.bin").unlink()
    again, found = cache.windows(DOCUMENTS, "0", RULES, Report())
    assert not found
    assert len(again) == len(store)
    assert cache.windows(DOCUMENTS, "0", RULES, Report())[1] is True


def test_windows_that_nobody_uses_are_deleted(tmp_path: Path) -> None:
    cache = WindowCache(tmp_path)
    for digest in "01":
        cache.windows(DOCUMENTS, digest, RULES, Report())
    for name in entries(tmp_path):
        old = time.time() - 31 * 86_400
        os.utime(tmp_path / "windows" / name / "index.json", (old, old))
    assert cache.windows(DOCUMENTS, "0", RULES, Report())[1] is True  # and so is used
    cache.windows(DOCUMENTS, "2", RULES, Report())
    assert cache.windows(DOCUMENTS, "0", RULES, Report())[1] is True
    assert len(entries(tmp_path)) == 2


def test_windows_in_use_may_be_deleted(tmp_path: Path) -> None:
    store, _ = WindowCache(tmp_path).windows(DOCUMENTS, "0", RULES, Report())
    first = store[0].input_ids.tolist()
    folder = tmp_path / "windows" / entries(tmp_path)[0]
    try:
        for file in folder.iterdir():
            file.unlink()
    except PermissionError:
        pytest.skip("open files cannot be deleted here")
    assert store[0].input_ids.tolist() == first


def test_an_error_in_the_documents_comes_through_and_leaves_nothing(tmp_path: Path) -> None:
    def documents() -> object:
        yield DOCUMENTS[0]
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        WindowCache(tmp_path).windows(documents(), "0", RULES, Report())  # type: ignore[arg-type]
    assert entries(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="GLOBALNER_CACHE"):
        WindowCache(tmp_path / "file").windows(DOCUMENTS, "0", RULES, Report())


def test_the_folder_is_that_of_the_user_unless_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GLOBALNER_CACHE", str(tmp_path))
    assert default_cache_folder() == tmp_path
    monkeypatch.delenv("GLOBALNER_CACHE")
    assert default_cache_folder().name == "globalner"
