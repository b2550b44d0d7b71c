"""Files, functions and signatures stay small, names say something, and data folders are no packages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILE_LINES = 300
MAX_TRITON_FILE_LINES = 500
MAX_FUNCTION_LINES = 40
MAX_PARAMETERS = 6
VAGUE_NAME = re.compile(r"(^|_)(utils?|helpers?|common)(_|$)")
SCALARS = {"int", "float", "bool", "str", "None"}

# file::function -> why it may have more parameters than the rest
MANY_PARAMETERS = {
    "globalner/kernels/span_loss.py::span_loss": "a door of the package; each option stands alone and has a default",
}


@dataclass(frozen=True)
class Function:
    """A function as written, with the class that holds it directly, if any."""

    file: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    owner: ast.ClassDef | None
    top_level: bool

    @property
    def where(self) -> str:
        name = self.node.name if self.owner is None else f"{self.owner.name}.{self.node.name}"
        return f"{self.file}::{name}"

    @property
    def is_verb(self) -> bool:
        """A Typer command, whose parameters are the options that people see."""
        return self.file.startswith("globalner/cli/") and self.top_level and not self.node.name.startswith("_")

    @property
    def overrides_hugging_face(self) -> bool:
        """A method of a Hugging Face model or configuration, whose signature is theirs."""
        bases = [] if self.owner is None else [ast.unparse(base).rpartition(".")[2] for base in self.owner.bases]
        return any(base.lower().startswith("pretrained") for base in bases)

    @property
    def is_public(self) -> bool:
        reachable = self.top_level or (self.owner is not None and not self.owner.name.startswith("_"))
        named = not self.node.name.startswith("_") or self.node.name in {"__init__", "__call__"}
        return reachable and named


def functions_of(tree: ast.AST, file: str, owner: ast.ClassDef | None = None, depth: int = 0) -> Iterator[Function]:
    """Every function of a syntax tree, nested ones too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(file, node, owner, top_level=depth == 0 and owner is None)
            yield from functions_of(node, file, None, depth + 1)
        elif isinstance(node, ast.ClassDef):
            yield from functions_of(node, file, node, depth)
        else:
            yield from functions_of(node, file, owner, depth)


def lines(function: Function) -> int:
    """Lines from `def` to the end, without the docstring; a verb's signature, its options, is left out too."""
    node = function.node
    documented = ast.get_docstring(node, clean=False) is not None
    docstring = (node.body[0].end_lineno or 0) - node.body[0].lineno + 1 if documented else 0
    first = node.body[0].lineno if function.is_verb else node.lineno
    return (node.end_lineno or 0) - first + 1 - docstring


def is_keyword_scalar(argument: ast.arg) -> bool:
    names = {part.strip() for part in ast.unparse(argument.annotation).split("|")} if argument.annotation else set()
    return bool(names) and names <= SCALARS


def parameters(function: Function) -> int:
    """How many parameters a reader has to know, by the rules of the house."""
    arguments = function.node.args
    positional = [a for a in (*arguments.posonlyargs, *arguments.args) if a.arg not in {"self", "cls"}]
    keyword = arguments.kwonlyargs
    if function.file.startswith("globalner/layers/"):
        keyword = [argument for argument in keyword if not is_keyword_scalar(argument)]
    return len(positional) + len(keyword)


def too_many_parameters(function: Function) -> bool:
    exempt = function.is_verb or function.overrides_hugging_face or function.where in MANY_PARAMETERS
    return not exempt and parameters(function) > MAX_PARAMETERS


def hides_its_keywords(function: Function) -> bool:
    return function.is_public and function.node.args.kwarg is not None and not function.overrides_hugging_face


def all_functions(source_files: list[Path], repository: Path) -> list[Function]:
    return [
        function
        for path in source_files
        for function in functions_of(ast.parse(path.read_text("utf-8")), path.relative_to(repository).as_posix())
    ]


def test_files_are_short(project_files: list[Path], repository: Path) -> None:
    def limit(path: Path) -> int:
        return MAX_TRITON_FILE_LINES if "triton" in path.stem else MAX_FILE_LINES

    long = {
        path.relative_to(repository).as_posix(): count
        for path in project_files
        if path.suffix in {".js", ".py"} and (count := len(path.read_text("utf-8").splitlines())) > limit(path)
    }
    assert long == {}


def test_functions_are_short(source_files: list[Path], repository: Path) -> None:
    long = {f.where: lines(f) for f in all_functions(source_files, repository) if lines(f) > MAX_FUNCTION_LINES}
    assert long == {}


def test_signatures_are_short(source_files: list[Path], repository: Path) -> None:
    many = {f.where: parameters(f) for f in all_functions(source_files, repository) if too_many_parameters(f)}
    assert many == {}


def test_exemptions_are_still_needed(source_files: list[Path], repository: Path) -> None:
    needed = {f.where for f in all_functions(source_files, repository) if parameters(f) > MAX_PARAMETERS}
    assert set(MANY_PARAMETERS) <= needed


def test_public_functions_name_their_keywords(source_files: list[Path], repository: Path) -> None:
    assert [f.where for f in all_functions(source_files, repository) if hides_its_keywords(f)] == []


def test_names_say_something(project_files: list[Path], source_files: list[Path], repository: Path) -> None:
    parts = {
        part.partition(".")[0]
        for path in project_files
        if path.suffix == ".py"
        for part in path.relative_to(repository).parts
    }
    named = {function.node.name for function in all_functions(source_files, repository)}
    assert sorted(name for name in parts | named if VAGUE_NAME.search(name)) == []


def test_folders_of_data_are_no_packages(repository: Path) -> None:
    packages = [path for folder in ("configs", "datasets") for path in (repository / folder).rglob("__init__.py")]
    assert packages == []


WRONG = '''
def public(a, b, c, d, e, f, g, **rest):
    """Doc."""

class Model(PreTrainedModel):
    def forward(self, a, b, c, d, e, f, g, **rest): ...

class Layer:
    def __init__(self, *, a: int, b: int, c: int, d: float, e: bool, f: int, g: int | None, h: Tensor): ...
'''


def test_the_measures_notice_what_they_should() -> None:
    public, forward, layer = functions_of(ast.parse(WRONG), "globalner/layers/wrong.py")
    assert [too_many_parameters(f) for f in (public, forward, layer)] == [True, False, False]
    assert [hides_its_keywords(f) for f in (public, forward, layer)] == [True, False, False]
    assert [lines(f) for f in (public, forward, layer)] == [1, 1, 1]
    *_, elsewhere = functions_of(ast.parse(WRONG), "globalner/kernels/wrong.py")
    assert too_many_parameters(elsewhere)
    body = "def long():\n" + "    pass\n" * MAX_FUNCTION_LINES
    (long,) = functions_of(ast.parse(body), "globalner/kernels/long.py")
    assert lines(long) == MAX_FUNCTION_LINES + 1
