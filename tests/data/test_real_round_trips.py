"""Every real set goes to every format and back, and nothing changes that the format says it carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.formats import FORMATS, format_named
from globalner.data.formats.option_values import options_from_text
from globalner.errors import DataError
from globalner.types import Document

pytestmark = pytest.mark.data

_AT_ONCE = 4000


@dataclass(frozen=True)
class RealSet:
    """Files of a set that are read in the same way.

    Attributes:
        folder: Of the set.
        files: Its files, relative to the folder.
        form: Their format; the set is skipped while there is no such format.
        options: Options of the format by name.
        broken: How many of its documents cannot be read.
    """

    folder: str
    files: tuple[str, ...]
    form: str = "columns"
    options: dict[str, str] = field(default_factory=dict)
    broken: int = 0


_BRAT = tuple(f"relation_extraction/{part}" for part in ("Training", "Validation", "Testing"))
SMALL = [
    RealSet("cluener2020", ("dev.json", "test.json"), "cluener"),
    RealSet("peoples_daily", ("example.dev", "example.test")),
    RealSet("msra_test", ("msra_test_bio.txt",)),
    RealSet("cmeee_v2", ("CMeEE-V2_dev.json", "CMeEE-V2_test.json"), "cmeee"),
    RealSet("chinese_literature_brat", ("ner/validation.txt", "ner/test.txt")),
    RealSet("chinese_literature_brat", _BRAT, "brat"),
    RealSet("conll2003_en", ("eng.testa", "eng.testb")),
    RealSet("wnut17", ("emerging.dev.conll", "emerging.test.annotated")),
    RealSet("genia_nested", ("genia.dev.iob2", "genia.test.iob2")),
    RealSet("germeval2014", ("germ.dev.iob2", "germ.test.iob2")),
    RealSet("conll2002_nl", ("ned.testa", "ned.testb")),
    RealSet("bangla_spacy", ("all_data.txt",), options={"outside_tags": "TIM"}, broken=52),
]
LARGE = [
    RealSet("cluener2020", ("train.json",), "cluener"),
    RealSet("conll2003_en", ("eng.train",)),
    RealSet("wnut17", ("wnut17train.conll",)),
    RealSet("germeval2014", ("germ.train.iob2",)),
    RealSet("conll2002_nl", ("ned.train",)),
]
SETS = [*SMALL, *(pytest.param(real, marks=pytest.mark.slow) for real in LARGE)]


def _documents(folder: Path, real: RealSet) -> Iterator[Document]:
    rejected: list[DataError] = []
    for file in real.files:
        options = options_from_text(format_named(real.form), real.options)
        yield from read_documents(folder / real.folder / file, real.form, options=options).readable(rejected)
    if real.form != "brat":
        assert len(rejected) == real.broken


@pytest.mark.parametrize("real", SETS, ids=lambda real: f"{real.folder}-{real.files[0]}")
@pytest.mark.parametrize("name", FORMATS)
def test_a_set_comes_back_from_every_format(
    name: str,
    real: RealSet,
    real_data: Path,
    tmp_path: Path,
    as_carried: Callable[[Document, str, int], Document | None],
    differences: Callable[..., list[Any]],
    how_to_write: dict[str, object],
) -> None:
    if real.form not in FORMATS:
        pytest.skip(f"there is no format {real.form!r} to read this set with")
    options = how_to_write.get(name)
    carried = (as_carried(document, name, number) for number, document in enumerate(_documents(real_data, real)))
    written = (document for document in carried if document is not None)
    count = 0
    while part := list(islice(written, _AT_ONCE)):
        if FORMATS[name].kind == "folder":  # whose documents come in the order of their names, each name once
            part = [replace(document, id=str(number)) for number, document in enumerate(part)]
        path = tmp_path / f"{count}{(*FORMATS[name].suffixes, '')[0]}"
        write_documents(part, path, name, options=options)
        assert differences(part, read_documents(path, name, options=options), name) == []
        count += len(part)
    assert count
