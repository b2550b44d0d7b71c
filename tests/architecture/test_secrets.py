"""Files of the project name no package registry, no folder of one machine, and hold no key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# Written in pieces, so that this file does not hold what it looks for.
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "download.py" + "torch.org",
    "registry." + "npmjs",
    "deb." + "debian.org",
]
MACHINE_FOLDERS = ["work", "root"]
FORBIDDEN = re.compile(
    "|".join(
        [
            *map(re.escape, REGISTRIES),
            rf"(?<![\w./-])/(?:{'|'.join(MACHINE_FOLDERS)})(?:/|\b)",
            r"/(?:home|Users)/(?!globalner\b)\w+",
            r"\bhf_[A-Za-z0-9]{20,}",
            r"\bAKIA[0-9A-Z]{16}\b",
            "-----BEGIN [A-Z ]*PRIVATE" + " KEY-----",
        ]
    )
)


def test_no_file_names_a_machine_a_registry_or_a_key(project_files: list[Path], repository: Path) -> None:
    found = []
    for path in project_files:
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), start=1):
            if match := FORBIDDEN.search(line):
                found.append(f"{path.relative_to(repository).as_posix()}:{number}: {match.group()}")
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "pip install --index-url https://py" + "pi.org/simple x",
        'DATA = "/' + 'work/shared/data"',
        "cd /" + "root",
        "/home/" + "someone/model",
        "token = hf_" + "a" * 30,
    ],
)
def test_a_forbidden_line_is_noticed(line: str) -> None:
    assert FORBIDDEN.search(line)


@pytest.mark.parametrize(
    "line", ["docs/" + "work/x", "a path such as ./" + "root/x", "WORKDIR /home/globalner", "net/" + "work"]
)
def test_a_harmless_line_passes(line: str) -> None:
    assert FORBIDDEN.search(line) is None
