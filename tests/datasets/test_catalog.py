"""Every card of the catalogue loads, says where it comes from, and names formats, options and recipes we have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from globalner.config import (
    DataCard,
    data_files,
    dump_card,
    load_card,
    load_recipe,
    read_card,
    shipped_cards,
    shipped_recipes,
    split_records,
)
from globalner.data import read_documents
from globalner.data.formats import FORMATS, format_named
from globalner.data.formats.option_values import options_from_text
from globalner.workflows import GetOptions, get_data_set

CARDS = sorted(shipped_cards())
WELL_KNOWN = {
    "cluener2020",
    "msra",
    "peoples_daily",
    "weibo_ner",
    "resume_ner",
    "ontonotes4_zh",
    "cmeee",
    "cmeee_v2",
    "chinese_literature_ner",
    "conll2003_en",
    "wnut17",
    "ontonotes5",
    "few_nerd",
    "genia_nested",
    "ace2004",
    "ace2005",
    "nne",
    "bc5cdr",
    "ncbi_disease",
    "jnlpba",
    "multinerd_en",
    "wikineural_en",
    "broad_twitter",
    "crossner",
    "tweetner7",
    "germeval2014",
    "conll2002_nl",
    "conll2002_es",
    "wikiann",
    "masakhaner",
    "nerel",
    "dane",
    "norne_bokmaal",
    "harem",
    "multiconer_bn",
    "bangla_ner",
}


def addresses(card: DataCard) -> list[str]:
    return [url for url in (card.homepage, card.terms, *(file.url for file in card.files)) if url is not None]


def test_the_well_known_sets_are_there() -> None:
    assert set(CARDS) >= WELL_KNOWN
    cards = [load_card(name) for name in CARDS]
    assert sum(card.nested for card in cards) >= 8
    assert len({language for card in cards for language in card.languages}) >= 20


@pytest.mark.parametrize("name", CARDS)
def test_a_card_holds_together(name: str, tmp_path: Path) -> None:
    card = load_card(name)
    assert card.name == name
    (tmp_path / "card.yaml").write_text(dump_card(card), "utf-8")
    assert read_card(tmp_path / "card.yaml") == card
    if card.format is not None:
        assert card.format in FORMATS
        options_from_text(format_named(card.format), card.format_options)
    for file in card.files:
        assert file.url is None or file.url.startswith("https://")
    if card.recipe is not None:
        assert card.recipe in shipped_recipes()
        wanted = {split_records(path)[0] for _, path in data_files(load_recipe(card.recipe).recipe)}
        assert {path.partition("/")[0] for path in wanted} == {name}
        kept = {f"{name}/{part.path}" for file in card.files for part in (file.holds if file.unpack else [file])}
        assert wanted <= kept


@pytest.mark.parametrize("name", CARDS)
def test_a_card_tells_facts_only(name: str) -> None:
    text = shipped_cards()[name].read_text("utf-8")
    card = load_card(name)
    assert len(text) < 12_000
    assert re.search(r"(19|20)\d\d|github", card.citation)
    assert card.licence
    assert all(meaning.strip() for meaning in card.labels.values())
    assert all(url.isascii() for url in addresses(card))


def test_every_recipe_with_a_set_of_others_has_a_card() -> None:
    folders = set()
    for name in shipped_recipes():
        folders |= {path.partition("/")[0] for _, path in data_files(load_recipe(name).recipe)} - {".."}
    assert folders <= set(CARDS)


# Cards whose folder of real data has another name.
FOLDERS = {"msra": "msra_test", "chinese_literature_ner": "chinese_literature_brat/ner", "bangla_ner": "bangla_spacy"}
NOT_WHOLE = {"peoples_daily": "example.train", "msra": "msra_train_bio.txt", "chinese_literature_ner": "train.txt"}


@pytest.mark.data
@pytest.mark.parametrize("name", CARDS)
def test_real_files_are_those_of_the_card(name: str, real_data: Path, tmp_path: Path) -> None:
    source = real_data / FOLDERS.get(name, name)
    if not source.is_dir():
        pytest.skip(f"{name} is not among the real data sets")
    card = load_card(name)
    if name in NOT_WHOLE:
        files = [file for file in card.files if file.path != NOT_WHOLE[name]]
        splits = {split: path for split, path in card.splits.items() if path != NOT_WHOLE[name]}
        card = card.model_copy(update={"files": files, "splits": splits})
    got = get_data_set(card, GetOptions(tmp_path / name, source, accept_terms=True))
    assert got.unchecked == ()
    labels: set[str] = set()
    for path in got.card.splits.values() if card.format else ():
        reader = read_documents(got.folder / path, card.format or "")
        labels |= {entity.label for document in reader.readable([]) for entity in document.entities}
    assert labels <= set(card.labels)
    assert not card.format or labels
