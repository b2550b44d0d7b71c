"""The program as a whole: exit codes, one message for an error, and a help that loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

import globalner
from globalner.cli import app as program
from globalner.cli import main
from globalner.cli.console import Console
from globalner.cli.data_verb import DATA_VERBS
from globalner.cli.shared_options import Debug, verb_app
from globalner.errors import DataError, GlobalNerError

RUN = "import sys; from globalner.cli import main; sys.exit(main())"


def verb_that_raises(error: BaseException) -> typer.Typer:
    app = verb_app()

    @app.command()
    def fail(debug: Debug = False) -> None:
        """Fail."""
        Console(debug=debug)
        raise error

    return app


@pytest.fixture
def run_failing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def run(error: BaseException, *options: str) -> tuple[int, str]:
        module = type("module", (), {"app": verb_that_raises(error)})
        monkeypatch.setitem(program.VERBS, "fail", "a.module.of.tests")
        monkeypatch.setitem(sys.modules, "a.module.of.tests", module)
        code = main(["fail", *options])
        captured = capsys.readouterr()
        assert captured.out == ""
        return code, captured.err

    return run


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("bad tag 'X'", path="a.conll", line=3), 2, "error: a.conll:3: bad tag 'X'\n"),
        (GlobalNerError("one\ntwo"), 2, "error: one\n       two\n"),
        (
            ValueError("odd\nthing"),
            1,
            "unexpected error: ValueError: odd thing; run again with --debug for the traceback\n",
        ),
        (KeyboardInterrupt(), 130, ""),
        (typer.Exit(3), 3, ""),
        (SystemExit("stopped"), 1, ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_message_and_an_exit_code(run_failing, error, code, message) -> None:  # type: ignore[no-untyped-def]
    assert run_failing(error) == (code, message)


@pytest.mark.parametrize(("error", "code"), [(GlobalNerError("bad"), 2), (ValueError("odd"), 1)])
def test_debug_shows_the_traceback_too(run_failing, error: Exception, code: int) -> None:  # type: ignore[no-untyped-def]
    got, message = run_failing(error, "--debug")
    assert got == code
    assert message.startswith("Traceback (most recent call last)")
    assert "raise error" in message
    assert message.splitlines()[-1] in ("error: bad", "unexpected error: ValueError: odd")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["convert", "there-is-none.jsonl", "out.jsonl"], "error: there-is-none.jsonl: "),
        (["config", "check", "demo", "training.epoch=1"], "error: override 'training.epoch=1': unknown key"),
        (["config", "show", "unheard-of"], "error: there is no recipe 'unheard-of'; recipes that come with globalner"),
    ],
)
def test_bad_input_exits_with_2(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(message)
    assert (captured.out, captured.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    "words", [["convrt"], ["convert", "--unheard-of"], ["convert"], ["config"], ["data"], ["data", "x"], []]
)
def test_bad_arguments_exit_with_2(words: list[str]) -> None:
    assert main(words) == 2


def test_a_mistyped_verb_is_met_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    main(["convrt"])
    assert "Did you mean 'convert'?" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"globalner {globalner.__version__}\n"


def verbs() -> list[list[str]]:
    """Every verb that a person can call, with its verb above it."""
    found = [["data", verb] for verb in DATA_VERBS]
    for verb, module in program.VERBS.items():
        if verb == "data":
            continue
        commands = import_module(module).app.registered_commands
        found += [[verb]] if len(commands) == 1 else [[verb, command.name] for command in commands]
    return found


@pytest.mark.parametrize("words", verbs(), ids=" ".join)
def test_every_help_has_an_example_and_the_shared_options(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"  globalner {' '.join(words)}" in text.partition("Example")[2]
    assert "--quiet" in text
    assert "--debug" in text


@pytest.mark.parametrize("words", ["--help", "config list", "config check demo --help", "--version"])
def test_a_quick_call_loads_neither_torch_nor_what_another_verb_needs(words: str, tmp_path: Path) -> None:
    code = f"import sys; from globalner.cli import main; main({words.split()}); print(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(result.stderr.split())
    assert "globalner.cli.app" in loaded
    assert loaded & {"torch", "transformers", "numpy", "rich", "fastapi", "pytorch_lightning"} == set()
    if words.startswith("config"):
        assert "globalner.cli.convert_verb" not in loaded


@pytest.mark.parametrize("words", [["config", "schema"], ["--version"]])
def test_a_reader_that_leaves_is_no_error(words: list[str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, "")


def test_console_keeps_results_apart_from_notes(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.note("note")
    console.result("result")
    console.json({"é": 1})
    assert tuple(capsys.readouterr()) == ('result\n{\n  "é": 1\n}\n', "note\n")
    quiet = Console(quiet=True)
    quiet.note("note")
    quiet.result("result")
    assert tuple(capsys.readouterr()) == ("result\n", "")
    assert not quiet.draws_progress


def test_tables_are_as_wide_as_they_need_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    Console().table(["type", "f1"], [["x" * 200, "9.5"], ["[b]", "12.25"]])
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.strip()]
    assert len(rows) == 4
    assert "x" * 200 in rows[2]
    assert rows[2].rstrip().endswith("  9.5")
    assert "[b]" in rows[3]
