"""The cards of the catalogue, by name."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from globalner.config.data_card import DataCard
from globalner.config.keys import dotted
from globalner.config.load import read_recipe_text
from globalner.config.resources import resource_folder
from globalner.config.yaml_text import YamlText, dump_yaml, parse_yaml
from globalner.errors import ConfigError

__all__ = ["dump_card", "load_card", "read_card", "shipped_cards"]


def shipped_cards() -> dict[str, Path]:
    """The cards that come with globalner: name to file, in alphabetical order."""
    return {path.stem: path for path in sorted(resource_folder("datasets/catalog").glob("*.yaml"))}


def load_card(name: str) -> DataCard:
    """The card of a set of the catalogue.

    Args:
        name: The set's name.

    Raises:
        ConfigError: If there is none (the message names the nearest), or it says what a card may not say.
    """
    cards = shipped_cards()
    if name not in cards:
        asked = name.lower()
        near = [found for found in cards if asked and asked in found] or get_close_matches(asked, cards, n=3)
        hint = f"; did you mean {' or '.join(near[:3])}?" if near else "."
        raise ConfigError(f"there is no set {name!r} in the catalogue{hint} `globalner data list` shows all of them")
    card = read_card(cards[name])
    if card.name != name:
        raise ConfigError(f"{cards[name]}: the card says the name {card.name!r}; it must be that of the file")
    return card


def read_card(path: Path) -> DataCard:
    """Reads and checks a card.

    Raises:
        ConfigError: If the file cannot be read, is not YAML, or says what a card may not say; all problems are in the
            message, a line each, with file and line.
    """
    parsed = parse_yaml(read_recipe_text(path), source=str(path))
    try:
        return DataCard.model_validate(parsed.value)
    except ValidationError as error:
        problems = (_problem(path, parsed, detail["loc"], detail) for detail in error.errors(include_url=False))
        raise ConfigError("\n".join(problems)) from error


def dump_card(card: DataCard) -> str:
    """The card as YAML, without keys that say nothing; reading it gives an equal card."""
    return dump_yaml(card.model_dump(exclude_defaults=True))


def _problem(path: Path, parsed: YamlText, place: tuple[str | int, ...], detail: object) -> str:
    assert isinstance(detail, dict)
    context = detail.get("ctx", {})
    key = (*place, context["key"]) if detail["type"] == "between_keys" else place
    near = (parsed.lines.get(key[:length]) for length in range(len(key), -1, -1))
    line = next((found for found in near if found is not None), 1)
    return f"{path}:{line}: {dotted(key) or 'the card'}: {detail['msg']}"
