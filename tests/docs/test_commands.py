"""Commands shown in README.md and in the guide are commands that work: each is held against the thing it calls.

Looked at are fenced blocks marked `bash`, `sh` or `console`; in a console block only lines after a `$ ` are commands.
What a command means to us is looked up by its first word in `CHECKS`; an unknown first word fails, so that no new kind
of command gets into the documentation without a check of its own.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/guide").glob("*.md"))]
BLOCK = re.compile(r"^```(bash|sh|console)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
TAKES_VERB = re.compile(r"Usage:.* COMMAND ")
BOUNDARIES = {"|", "||", "&&", ";", "&"}
PAGE_ROUTES = {"/", "/docs"}


@dataclass(frozen=True)
class Command:
    """One program call as documentation shows it, with the page that shows it."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def shell_lines(kind: str, body: str) -> Iterator[str]:
    """Commands of a block, continued lines joined."""
    lines = body.replace("\\\n", " ").splitlines()
    if kind == "console":
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    yield from (line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))


def split_calls(line: str) -> Iterator[tuple[str, ...]]:
    """The calls of a line, without redirections and leading assignments: `A=1 a | b > f` -> (a,), (b,)."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    call: list[str] = []
    redirected = False
    for word in [*lexer, ";"]:
        if word in BOUNDARIES:
            if call:
                yield tuple(call)
            call = []
        elif redirected:
            redirected = False
        elif set(word) <= {"<", ">"}:
            redirected = True
        elif call or not re.match(r"[A-Z_]+=", word):
            call.append(word)


def commands_of(page: str, text: str) -> list[Command]:
    return [
        Command(page, words)
        for kind, body in BLOCK.findall(text)
        for line in shell_lines(kind, body)
        for words in split_calls(line)
    ]


def documented() -> list[Command]:
    found = [c for page in PAGES for c in commands_of(page.relative_to(ROOT).as_posix(), page.read_text("utf-8"))]
    return list(dict.fromkeys(found))


@functools.cache
def help_of(*words: str) -> str:
    """The help text of a verb; fails where there is no such verb."""
    program = Path(sys.executable).with_name("globalner")
    environment = os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    command = [str(program), *words, "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, f"globalner {shlex.join(words)} --help fails:\n{result.stdout}{result.stderr}"
    return result.stdout


def check_globalner(words: tuple[str, ...]) -> None:
    verb: tuple[str, ...] = ()
    arguments = list(words[1:])
    while arguments and not arguments[0].startswith("-") and (not verb or TAKES_VERB.search(help_of(*verb))):
        verb = (*verb, arguments.pop(0))
    offered = set(OPTION.findall(help_of(*verb)))
    options = [word.partition("=")[0] for word in arguments if OPTION.match(word)]
    assert set(options) <= offered, f"{sorted(set(options) - offered)} not in `globalner {shlex.join(verb)} --help`"
    for word in arguments:
        if word.startswith(("configs/", "datasets/")):
            assert (ROOT / word.partition("[")[0]).exists(), f"{word} does not exist"


def check_make(words: tuple[str, ...]) -> None:
    targets = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    result = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def check_curl(words: tuple[str, ...]) -> None:
    (url,) = [word for word in words if re.match(r"(https?://)?(localhost|127\.0\.0\.1)", word)]
    address = urlsplit(url if "://" in url else f"http://{url}")
    path = address.path or "/"
    if address.netloc in (ROOT / "compose.yaml").read_text("utf-8"):  # the port at which Prometheus is shown
        assert path == "/api/v1/query"
        return
    routes = json.loads((ROOT / "service/openapi.json").read_text("utf-8"))["paths"]
    assert path in PAGE_ROUTES | set(routes), f"the service has no route {path}"
    for flag, value in pairwise(words):
        if flag in {"-d", "--data", "--json"} and not value.startswith("@"):
            json.loads(value)


def check_pip(words: tuple[str, ...]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for word in words:
        if match := re.fullmatch(r"(?:globalner|\.)\[([\w,]+)\]", word):
            assert set(match[1].split(",")) <= set(extras), f"{word}: the extras are {sorted(extras)}"


def check_python(words: tuple[str, ...]) -> None:
    if "pip" in words:
        check_pip(words)
    elif words[1] == "-m":
        in_tree = (ROOT / words[2].replace(".", "/")).with_suffix(".py").is_file()
        assert in_tree or importlib.util.find_spec(words[2]), f"there is no module {words[2]}"
    elif words[1] == "-c":
        compile(words[2], "<documentation>", "exec")
    else:
        assert (ROOT / words[1]).is_file(), f"there is no file {words[1]}"


def check_docker(words: tuple[str, ...]) -> None:
    assert words[1] in {"build", "run", "compose"}
    assert (ROOT / ("compose.yaml" if words[1] == "compose" else "Dockerfile")).is_file()


def check_files(words: tuple[str, ...]) -> None:
    """The files of ours that a command of others takes are there."""
    ours = [word.removeprefix("$PWD/") for word in words if "deploy/" in word]
    assert all((ROOT / name).is_file() for name in ours)


def needs_no_check(words: tuple[str, ...]) -> None:
    """A command of the system, whose words are not ours."""


CHECKS: Mapping[str, Callable[[tuple[str, ...]], None]] = {
    "globalner": check_globalner,
    ".venv/bin/globalner": check_globalner,
    "make": check_make,
    "curl": check_curl,
    "pip": check_pip,
    "python": check_python,
    "python3": check_python,
    ".venv/bin/python": check_python,
    "docker": check_docker,
    "kubectl": check_files,
    "nginx": check_files,
} | dict.fromkeys(
    ("cat", "cd", "echo", "git", "head", "jq", "openssl", "pre-commit", "printf", "source"), needs_no_check
)


@pytest.mark.parametrize("command", documented(), ids=str)
def test_documented_command_works(command: Command) -> None:
    assert command.words[0] in CHECKS, f"give {command.words[0]!r} a check in this file"
    CHECKS[command.words[0]](command.words)


def test_readme_leads_with_make() -> None:
    shown = [command.words for command in documented() if command.page == "README.md"]
    assert shown[:2] == [("make", "demo"), ("make", "test")]


def test_commands_are_found_and_split() -> None:
    page = """
```bash
# a comment
globalner predict MODEL - \\
  --text "a | b" | head -n 1 > out.txt
DATA=x make demo && make test
```
```console
$ globalner --version
globalner 0.1.0
```
```python
make("nothing")
```
"""
    assert [command.words for command in commands_of("page", page)] == [
        ("globalner", "predict", "MODEL", "-", "--text", "a | b"),
        ("head", "-n", "1"),
        ("make", "demo"),
        ("make", "test"),
        ("globalner", "--version"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "globalner unheard-of MODEL",
        "globalner evaluate MODEL DATA --unheard-of",
        "make unheard-of",
        "curl localhost:8000/unheard/of",
        "curl localhost:8000/v1/extract -d '{broken'",
        "pip install 'globalner[unheard]'",
        "python -m benchmarks.unheard_of",
    ],
)
def test_a_wrong_command_is_noticed(line: str) -> None:
    (words,) = split_calls(line)
    with pytest.raises((AssertionError, ValueError, ModuleNotFoundError)):
        CHECKS[words[0]](words)
