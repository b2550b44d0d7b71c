"""The catalogue of data sets: which there are, and getting one of them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from globalner.catalog import Collecting, SetFolder, Transfer, UnpackLimits, collect_files, kept_files
from globalner.config import DataCard, data_files, load_card, load_recipe, shipped_cards, split_records
from globalner.data import Report
from globalner.data.formats import FORMATS
from globalner.errors import ConfigError, DataError, DownloadError

__all__ = ["GetOptions", "GotDataSet", "get_data_set", "list_data_sets", "next_commands"]

_STARTER = "demo"
"""The recipe for a set that has none of its own."""


@dataclass(frozen=True)
class GetOptions:
    """How a set is got.

    Attributes:
        output_dir: The folder to make; None for one named like the set in the working directory's `data`.
        source: A folder that holds its files; None: they are downloaded.
        accept_terms: Whether the terms of a restricted set are accepted.
        transfer: How downloads are made.
        unpacking: What archives may grow to.
    """

    output_dir: Path | None = None
    source: Path | None = None
    accept_terms: bool = False
    transfer: Transfer = field(default_factory=Transfer)
    unpacking: UnpackLimits = field(default_factory=UnpackLimits)


@dataclass(frozen=True)
class GotDataSet:
    """A set in its folder.

    Attributes:
        card: Its card, with the length and SHA-256 of every file as they were found.
        folder: Its folder.
        already_there: Whether it was there before.
        unchecked: Files whose SHA-256 the catalogue does not know.
        commands: What to do with it next, on the command line.
        report: What was left out.
    """

    card: DataCard
    folder: Path
    already_there: bool
    unchecked: tuple[str, ...]
    commands: tuple[str, ...]
    report: Report


def list_data_sets(*, language: str | None = None, nested: bool | None = None) -> list[DataCard]:
    """The sets of the catalogue, in alphabetical order.

    Args:
        language: Only those in this language, a code such as zh.
        nested: Only those whose entities may lie in each other, or only the others; None: both.

    Raises:
        ConfigError: If no set is in this language.
    """
    cards = [load_card(name) for name in shipped_cards()]
    languages = sorted({code for card in cards for code in card.languages})
    if language is not None and language not in languages:
        raise ConfigError(f"no set of the catalogue is in the language {language!r}; there are: {', '.join(languages)}")
    return [
        card
        for card in cards
        if (language is None or language in card.languages) and (nested is None or card.nested is nested)
    ]


def get_data_set(card: DataCard, options: GetOptions | None = None) -> GotDataSet:
    """Puts a set into a folder of its own, which appears whole and checked, or not at all.

    A set that is there already is checked and left as it is. What was downloaded before a failure is kept aside, and
    the next call goes on with it.

    Args:
        card: The set; `load_card` finds it by name.
        options: How; None: downloaded to `data/NAME`.

    Raises:
        DataError: If its terms have to be accepted first, it cannot be downloaded and no folder is named, a file is
            missing or another one than the card means, or an archive is not safe.
        DownloadError: If a file cannot be fetched.
        OutputError: If its folder cannot be written, or holds something else.
    """
    options = options or GetOptions()
    _check_terms(card, accepted=options.accept_terms)
    target = options.output_dir if options.output_dir is not None else Path("data") / card.name
    folder = SetFolder(target)
    if not target.exists():
        _check_source(card, options.source)
    with folder.locked(options.transfer.note):
        there = folder.finished_card(card)
        if there is not None:
            return GotDataSet(there, target, True, _unchecked(card, there), next_commands(there, target), Report())
        _check_source(card, options.source)
        how = Collecting(options.source, options.transfer, options.unpacking)
        folder.start()
        try:
            found = collect_files(card, folder, how)
            commands = next_commands(found, target)
            folder.finish(found, _readme(found, commands))
        except DownloadError as error:
            way_out = f"the set's page is {card.homepage}; files that you have are taken with --from FOLDER"
            raise DownloadError(f"{error}; {way_out}") from error
        finally:
            folder.give_up()
    return GotDataSet(found, target, False, _unchecked(card, found), commands, how.report)


def next_commands(card: DataCard, folder: Path) -> tuple[str, ...]:
    """What to do with a set that is there: commands to train on it, or to convert it.

    Args:
        card: The set.
        folder: Its folder.
    """
    if card.recipe is not None and folder.name == card.name and _holds_data_of(card.recipe, card):
        return (f"globalner train {card.recipe} --data-dir {shlex.quote(str(folder.parent))}",)
    if card.format is None or card.format not in FORMATS:
        return ()
    paths = {split: folder / path for split, path in card.splits.items()}
    if {"train", "dev"} <= paths.keys() and not card.format_options:
        data = [f"data.{split}={paths[split]}" for split in ("train", "dev", "test") if split in paths]
        return (shlex.join(["globalner", "train", _STARTER, *data, f"data.format={card.format}"]),)
    read = [word for key, value in card.format_options.items() for word in ("--read", f"{key}={value}")]
    return tuple(
        shlex.join(["globalner", "convert", str(path), f"{split}.jsonl", "--from", card.format, *read])
        for split, path in paths.items()
    )


def _holds_data_of(recipe: str, card: DataCard) -> bool:
    """Whether a recipe finds all its files in the folder of a set, which is named like the set."""
    wanted = {split_records(path)[0] for _, path in data_files(load_recipe(recipe).recipe)}
    return wanted <= {f"{card.name}/{file.path}" for file in kept_files(card)}


def _unchecked(card: DataCard, found: DataCard) -> tuple[str, ...]:
    """Files that are there and whose SHA-256 the card of the catalogue does not know."""
    known: set[str] = set()
    for file in card.files:
        known |= {part.path for part in (file, *file.holds) if part.sha256 is not None}
    for file in found.files:
        known |= {part.path for part in file.holds if file.path in known}
    return tuple(part.path for part in kept_files(found) if part.path not in known)


def _check_source(card: DataCard, source: Path | None) -> None:
    if source is None and not card.fetchable:
        raise DataError(f"{card.name} cannot be downloaded: {card.obtain} Then name the folder with --from")


def _check_terms(card: DataCard, *, accepted: bool) -> None:
    if card.restricted is not None and not accepted:
        raise DataError(
            f"{card.name} is restricted: {card.restricted} Read the terms ({card.terms}); "
            "if you accept them, run the command again with --accept-terms"
        )


def _readme(card: DataCard, commands: Sequence[str]) -> str:
    """The page that lies in the set's folder."""
    lines = [f"# {card.title}", "", f"{card.task}; {card.domain}. Languages: {', '.join(card.languages)}.", ""]
    lines += [f"- Homepage: {card.homepage}", f"- Licence: {card.licence}"]
    lines += [f"- Terms: {card.terms}"] if card.terms else []
    lines += [f"- Restricted: {card.restricted}"] if card.restricted else []
    lines += [f"- To cite: {card.citation}"]
    lines += [f"- Note: {card.note}"] if card.note else []
    lines += ["", "`card.yaml` has all that is known of the set, and the length and SHA-256 of each file.", ""]
    for heads, rows in ((("split", "file"), card.splits), (("label", "meaning"), card.labels)):
        if rows:
            table = [heads, ("---", "---"), *rows.items()]
            lines += [*(f"| {left} | {right} |" for left, right in table), ""]
    lines += ["```bash", *commands, "```", ""] if commands else []
    return "\n".join(lines)
