"""The floors of `.importlinter` hold, every room has one, and the contracts notice a breach."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def lint_imports(folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--no-logo", "--cache-dir", str(cache)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def contracts(repository: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser()
    parsed.read(repository / ".importlinter", encoding="utf-8")
    return parsed


def test_all_contracts_are_kept(repository: Path, tmp_path: Path) -> None:
    result = lint_imports(repository, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_every_room_stands_on_a_floor(repository: Path) -> None:
    floors = set(re.findall(r"[\w.]+", contracts(repository)["importlinter:contract:floors"]["layers"]))
    rooms = {
        f"globalner.{path.stem}"
        for path in (repository / "globalner").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem != "__init__"
    }
    assert rooms - floors == set(), "give each new room its floor in .importlinter"


def test_contracts_notice_a_breach(repository: Path, tmp_path: Path) -> None:
    house = tmp_path / "house"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repository / "globalner", house / "globalner", ignore=ignored)
    shutil.copytree(repository / "service" / "globalner_service", house / "globalner_service", ignore=ignored)
    shutil.copy(repository / ".importlinter", house)
    (house / "globalner/kernels/breach.py").write_text(
        "import globalner.cli\nimport globalner.config\nimport pytorch_lightning\nimport transformers\n"
    )
    (house / "globalner/decoding/breach.py").write_text("import torch\n")
    (house / "globalner_service/breach.py").write_text("import globalner.training\n")
    result = lint_imports(house, tmp_path / "cache")
    count = sum(section.startswith("importlinter:contract:") for section in contracts(repository))
    assert result.returncode == 1
    assert f"0 kept, {count} broken" in result.stdout, result.stdout
