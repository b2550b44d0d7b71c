"""What an import drags in, read from `sys.modules` of a fresh process that starts outside the source tree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SERVER = {"fastapi", "starlette", "uvicorn"}
LIGHTNING = {"pytorch_lightning", "lightning"}
HEAVY = {"torch", "transformers", "scipy", "sklearn", *LIGHTNING, *SERVER}
MODEL_FREE = {"transformers", "pydantic", "typer", *LIGHTNING, *SERVER}

GUARDS = [
    ("import globalner", {"numpy", "pydantic", "typer", "rich", *HEAVY}),
    ("import globalner.errors", {"numpy", "pydantic", *HEAVY}),
    ("import globalner.types", {"numpy", "pydantic", *HEAVY}),
    ("from globalner import Document, Entity, LabelSet", {"numpy", "pydantic", *HEAVY}),
    ("from globalner import read_documents, write_documents", {"pydantic", "typer", *HEAVY}),
    ("import globalner.config", {"typer", *HEAVY}),
    ("from globalner import GlobalPointer, EfficientGlobalPointer, span_loss, find_spans", MODEL_FREE),
    ("import globalner.decoding", {"torch", *MODEL_FREE}),
    ("import globalner.evaluation", {"torch", *MODEL_FREE}),
    ("from globalner.client import AsyncClient, Client", {"numpy", "pydantic", "httpx", "rich", *HEAVY}),
    ("from globalner import EntityExtractor", {"typer", *LIGHTNING, *SERVER}),
    ("import globalner_service", LIGHTNING),
    ("from globalner_service import create_app", LIGHTNING),
]

RUN_AND_REPORT = """
import json, sys
try:
    {statement}
finally:
    print("\\n" + json.dumps(sorted(name for name in sys.modules if "." not in name)))
"""
SHOW_HELP = """
    sys.argv = ["globalner", "--help"]
    from globalner.cli import main
    main()
"""


def modules_after(statement: str, folder: Path) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the statement."""
    code = RUN_AND_REPORT.format(statement=statement.strip())
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("statement", "forbidden"), GUARDS, ids=[statement for statement, _ in GUARDS])
def test_import_loads_only_its_own_floor(statement: str, forbidden: set[str], tmp_path: Path) -> None:
    assert modules_after(statement, tmp_path) & forbidden == set()


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    assert modules_after(SHOW_HELP, tmp_path) & HEAVY == set()


def test_every_offered_name_can_be_loaded_and_a_heavy_import_is_seen(tmp_path: Path) -> None:
    statement = "import globalner; [getattr(globalner, name) for name in globalner.__all__]"
    assert "torch" in modules_after(statement, tmp_path)


def test_transformers_does_not_take_our_folder_for_the_datasets_package(repository: Path, tmp_path: Path) -> None:
    script = tmp_path / "started_like_a_console_script.py"
    script.write_text(
        "from importlib.metadata import packages_distributions\n"
        "import globalner\n"
        "from transformers.utils import is_datasets_available\n"
        "print(globalner.__file__)\n"
        "print(bool(is_datasets_available()), 'datasets' in packages_distributions())\n"
    )
    result = subprocess.run([sys.executable, script], cwd=repository, capture_output=True, text=True, check=True)
    package, answers = result.stdout.splitlines()
    believed, installed = answers.split()
    assert Path(package) == repository / "globalner" / "__init__.py"
    assert believed == installed


def test_pytest_itself_does_not_put_the_source_tree_on_the_path(repository: Path) -> None:
    assert str(repository) not in sys.path
    assert "" not in sys.path
