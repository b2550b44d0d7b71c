"""The built wheel holds what users need and works in an empty folder; so do the install steps of the Dockerfile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY_DEMO = ["demo", "training.epochs=1", "--max-documents", "200", "--output-dir", "runs/demo"]


def run(command: list[object], folder: Path) -> str:
    """Run a command as a user would who has nothing of ours in the environment; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GLOBALNER"))}
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def dockerfile() -> list[str]:
    """The Dockerfile's instructions, one a line, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def copied_into_builder() -> list[str]:
    """What the builder stage copies from the source tree."""
    stages = [index for index, line in enumerate(dockerfile()) if line.startswith("FROM ")]
    copies = [line.split()[1:-1] for line in dockerfile()[: stages[1]] if line.startswith("COPY ")]
    return [name for names in copies for name in names]


@pytest.fixture(scope="module")
def build_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the Dockerfile copies, and nothing else."""
    folder = tmp_path_factory.mktemp("source")
    for name in copied_into_builder():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(build_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what the Dockerfile copies."""
    target = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target], build_folder)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def fresh_bin(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of a new environment with the wheel in it; the dependencies are lent by the outer environment."""
    folder = tmp_path_factory.mktemp("environment")
    run([sys.executable, "-m", "venv", "--without-pip", folder], folder)
    python = folder / "bin" / "python"
    run([sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel], folder)
    (own_packages,) = folder.glob("lib/python*/site-packages")
    (own_packages / "lent_dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def members(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return set(opened.namelist())


def test_wheel_carries_code_recipes_demo_set_catalogue_and_page(wheel: Path) -> None:
    held = members(wheel)
    recipes = {f"globalner/_resources/configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    demo_set = {f"globalner/_resources/datasets/demo/{path.name}" for path in (ROOT / "datasets/demo").glob("*.jsonl")}
    cards = {
        f"globalner/_resources/datasets/catalog/{path.name}" for path in (ROOT / "datasets/catalog").glob("*.yaml")
    }
    assert recipes
    assert demo_set
    assert cards
    assert held >= recipes | demo_set | cards | {"globalner/py.typed", "globalner_service/py.typed"}
    page = ROOT / "service/globalner_service/page"
    assert held >= {f"globalner_service/page/{path.name}" for path in page.iterdir()}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in held)


def test_wheel_carries_nothing_else(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in members(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"globalner", "globalner_service"}
    assert not [name for name in members(wheel) if "test" in name.rpartition("/")[2] and name.endswith(".py")]


def test_editable_install_leaves_the_package_to_the_source_tree(build_folder: Path, tmp_path: Path) -> None:
    program = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    run([sys.executable, "-c", program, tmp_path], build_folder)
    (built,) = tmp_path.glob("*.whl")
    assert not [name for name in members(built) if name.startswith("globalner/")], (
        "a folder globalner/ beside the redirecting finder would hide the source tree behind a namespace package"
    )


def test_installed_package_is_the_one_from_the_wheel(fresh_bin: Path, tmp_path: Path) -> None:
    program = "import globalner, globalner_service; print(globalner.__file__); print(globalner_service.__file__)"
    for line in run([fresh_bin / "python", "-c", program], tmp_path).splitlines():
        assert Path(line).is_relative_to(fresh_bin.parent)


def test_wheel_works_in_an_empty_folder(fresh_bin: Path, tmp_path: Path) -> None:
    program = "import globalner; print(globalner.__version__)"
    version = run([fresh_bin / "python", "-c", program], tmp_path).strip()
    assert version in run([fresh_bin / "globalner", "--version"], tmp_path)
    listed = run([fresh_bin / "globalner", "config", "list"], tmp_path)
    assert all(path.stem in listed for path in (ROOT / "configs").glob("*.yaml"))
    sets = run([fresh_bin / "globalner", "data", "list", "--json"], tmp_path)
    assert {card["name"] for card in json.loads(sets)} == {
        path.stem for path in (ROOT / "datasets/catalog").glob("*.yaml")
    }
    run([fresh_bin / "globalner", *TINY_DEMO], tmp_path)
    assert_trained(tmp_path / "runs" / "demo")


def assert_trained(run_folder: Path) -> None:
    assert (run_folder / "model" / "model.safetensors").is_file()
    metrics = json.loads((run_folder / "metrics.json").read_text("utf-8"))
    assert 0.0 <= metrics["micro"]["f1"] <= 1.0
    assert metrics["split"] == "test"


@pytest.mark.slow
def test_wheel_installs_from_scratch_with_the_tested_versions(wheel: Path, tmp_path: Path) -> None:
    environment, work = tmp_path / "environment", tmp_path / "work"
    work.mkdir()
    run([sys.executable, "-m", "venv", environment], tmp_path)
    pip = [environment / "bin" / "python", "-m", "pip"]
    run([*pip, "install", "--quiet", "-c", ROOT / "constraints.txt", f"{wheel}[serve]"], tmp_path)
    run([*pip, "check"], tmp_path)
    run([environment / "bin" / "python", "-c", "from globalner_service import create_app"], work)
    run([environment / "bin" / "globalner", *TINY_DEMO], work)
    assert_trained(work / "runs" / "demo")


def test_image_is_built_in_two_stages_and_does_not_run_as_root() -> None:
    lines = dockerfile()
    assert sum(line.startswith("FROM ") for line in lines) == 2
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] not in {"root", "0"}
    (health,) = [line for line in lines if line.startswith("HEALTHCHECK ")]
    assert "/health" in health


def test_build_context_holds_what_the_image_copies() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert set(copied_into_builder()) == kept


def test_image_command_is_one_that_the_program_understands(fresh_bin: Path, tmp_path: Path) -> None:
    lines = dockerfile()
    (entry,) = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("ENTRYPOINT ")]
    (verb, *options) = json.loads(next(line for line in lines if line.startswith("CMD ")).partition(" ")[2])
    text = run([fresh_bin / entry[0], verb, "--help"], tmp_path)
    assert all(option in text for option in options if option.startswith("--"))
    assert "GLOBALNER_MODEL" in text, "the image names its model through this variable"
