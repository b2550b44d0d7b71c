"""A recipe of one's own, made from one that comes with globalner, comments included."""

from __future__ import annotations

import json
from pathlib import Path

from globalner.config.load import find_recipe, read_recipe_text
from globalner.config.paths import DATA_SPLITS, PRETRAIN_SPLITS
from globalner.config.yaml_text import parse_yaml
from globalner.errors import OutputError

__all__ = ["copy_recipe"]


def copy_recipe(name_or_path: str | Path, destination: Path | None = None, *, overwrite: bool = False) -> Path:
    """Copies a recipe file. Paths that hold only beside the original become absolute in the copy.

    Args:
        name_or_path: A recipe, as in `load_recipe`.
        destination: File or folder; None for the working directory.
        overwrite: Whether a file that is there already may be replaced.

    Returns:
        The file written.

    Raises:
        ConfigError: If there is no such recipe.
        OutputError: If the destination exists already or cannot be written.
    """
    source = find_recipe(name_or_path)
    target = Path.cwd() if destination is None else destination
    if target.is_dir():
        target = target / source.name
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists already; choose another name or give --overwrite")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_with_absolute_paths(read_recipe_text(source), source), "utf-8")
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror}") from error
    return target


def _with_absolute_paths(text: str, source: Path) -> str:
    parsed = parse_yaml(text, source=str(source))
    keys = [("model", "init_from"), *(("data", split) for split in (*DATA_SPLITS, *PRETRAIN_SPLITS))]
    # A path stands at its key, or in a list there.
    spans = [span for key, span in parsed.spans.items() if key[:2] in keys]
    for start, end in sorted(spans, reverse=True):
        value = parse_yaml(text[start:end], source=str(source)).value
        if isinstance(value, str) and not Path(value).is_absolute() and (source.parent / value).exists():
            absolute = str((source.parent / value).resolve())
            text = text[:start] + json.dumps(absolute, ensure_ascii=False) + text[end:]
    return text
