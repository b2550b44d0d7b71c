"""Where the windows of a training come from: memory for small sets, the cache on disk for large ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from globalner.config import Recipe
from globalner.data import (
    ContextRule,
    Report,
    Survey,
    TextTokenizer,
    WindowCache,
    WindowRules,
    WindowSize,
    WindowStore,
    default_cache_folder,
    windows_in_memory,
)
from globalner.errors import OutputError
from globalner.model import BuiltModel
from globalner.types import Documents

__all__ = ["CACHED_CHARS", "TrainingWindows", "context_rule", "training_store", "window_rules"]

CACHED_CHARS = 1_000_000
"""Characters from which on windows are kept on disk; fewer are tokenized in a few seconds."""


def context_rule(recipe: Recipe) -> ContextRule:
    """Which neighbours stand around a text, by the recipe."""
    return ContextRule(recipe.data.context, recipe.data.context_tokens)


def window_rules(built: BuiltModel) -> WindowRules:
    """How the documents of a training become windows."""
    config = built.model.config
    size = WindowSize(
        config.window_tokens,
        config.overlap_tokens,
        config.max_span_tokens,
        ContextRule(config.context, config.context_tokens),
    )
    tokenizer = TextTokenizer(built.tokenizer.backend_tokenizer, config.boundary, config.alignment)
    return WindowRules(tokenizer, config.label_set, size)


@dataclass(frozen=True, eq=False)
class TrainingWindows:
    """The windows of the training documents, and what became of their entities.

    Attributes:
        store: The windows.
        left_out: Each entity that no window has, by reason.
        expanded: Each that windows have with the edges of its tokens, by reason; none unless `data.alignment` says so.
    """

    store: WindowStore
    left_out: Report
    expanded: Report


def training_store(
    recipe: Recipe, documents: Documents, survey: Survey, rules: WindowRules, say: Callable[[str], None]
) -> TrainingWindows:
    """The windows of the training documents.

    Args:
        recipe: Whether they may be kept on disk.
        documents: The training documents.
        survey: Of these documents.
        rules: How they become windows.
        say: Takes a line about what was done.
    """
    left_out, expanded = Report(), Report()
    taken = expanded if rules.tokenizer.alignment == "expand" else None
    if recipe.training.cache == "off" or survey.chars < CACHED_CHARS:
        return TrainingWindows(windows_in_memory(documents, rules, left_out, taken), left_out, expanded)
    folder = default_cache_folder()
    try:
        store, were_there = WindowCache(folder).windows(documents, survey.digest, rules, left_out, taken)
    except OutputError as error:
        say(f"windows are held in memory: {error}")
        return TrainingWindows(windows_in_memory(documents, rules, left_out, taken), left_out, expanded)
    verb = "were made before and are read" if were_there else "are kept"
    say(f"{len(store):,} training windows {verb} in {_shown(folder)}")
    return TrainingWindows(store, left_out, expanded)


def _shown(folder: Path) -> str:
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
