"""How many gold entities of real sets tokens can express, for each choice of `data.alignment` and `data.boundary`.

    python -m benchmarks.alignment --data-dir DIR

Nothing is trained. Two tokenizers are learnt for each set, from its training text or that of another set in its
language: WordPiece in the shape of bert-base-chinese, and byte BPE in that of GPT-2. The rows in results/alignment.csv
are replaced:

- exact: entities that tokens express as they are; only these can be found, all others count as missed;
- expanded: those that `expand` learns with other edges; left_out: those that are not learnt;
- inside_token, inside_word, other: why entities are not exact (other: blanks at an edge, or a dropped character there);
- inside_grapheme: entities, of all, that start or end between a character and its combining marks or joined parts;
- tokens: of all texts. Cuts make more of them.

The same span and label twice in a document counts once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import get_args

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from benchmarks.bert_shaped_tokenizer import bert_shaped_tokenizer
from benchmarks.results_file import RESULTS, provenance, replace_rows
from globalner.data import Alignment, Boundary, Report, TextTokenizer, align_entities, read_documents
from globalner.data.alignment import count_edges_inside
from globalner.types import Document, LabelSet

__all__ = ["SETS", "LabelledSet", "measure_set"]

_TABLE = RESULTS / "alignment.csv"
_KEY = ("set", "tokenizer", "boundary", "alignment")
VOCABULARY_SIZE = 8000


@dataclass(frozen=True)
class LabelledSet:
    """A file of a real set.

    Attributes:
        name: What the rows call it.
        file: Its path in the folder of the data.
        vocabulary: The file whose text the tokenizers are learnt from.
    """

    name: str
    file: str
    vocabulary: str


_CHINESE = "cluener2020/train.json"
SETS = (
    LabelledSet("CLUENER2020 train", _CHINESE, _CHINESE),
    LabelledSet("CLUENER2020 dev", "cluener2020/dev.json", _CHINESE),
    LabelledSet("CMeEE-V2 dev", "cmeee_v2/CMeEE-V2_dev.json", "cmeee_v2/CMeEE-V2_dev.json"),
    LabelledSet("People's Daily test", "peoples_daily/example.test", "peoples_daily/example.test"),
    LabelledSet("MSRA test", "msra_test/msra_test_bio.txt", "msra_test/msra_test_bio.txt"),
    LabelledSet("CoNLL-2003 test", "conll2003_en/eng.testb", "conll2003_en/eng.train"),
    LabelledSet("WNUT 2017 test", "wnut17/emerging.test.annotated", "wnut17/wnut17train.conll"),
    LabelledSet("GENIA test", "genia_nested/genia.test.iob2", "genia_nested/genia.test.iob2"),
    LabelledSet("GermEval 2014 test", "germeval2014/germ.test.iob2", "germeval2014/germ.train.iob2"),
    LabelledSet("CoNLL-2002 nl test", "conll2002_nl/ned.testb", "conll2002_nl/ned.train"),
)


def main() -> int:
    """Measures, replaces the rows, and prints what is not exact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    parser.add_argument("--sets", nargs="+", choices=[one.name for one in SETS], default=[one.name for one in SETS])
    options = parser.parse_args()
    if options.data_dir is None:
        parser.error("name the folder of the data: --data-dir DIR")
    for one in SETS:
        if one.name in options.sets:
            measured_on = provenance()
            rows = [{**row, **measured_on} for row in measure_set(one, options.data_dir)]
            replace_rows(_TABLE, rows, lambda row: tuple(row[name] for name in _KEY))
            for row in rows:
                print(_line(row), flush=True)
    return 0


def measure_set(one: LabelledSet, data_dir: Path) -> Iterator[dict[str, object]]:
    """A row for each tokenizer, boundary and alignment."""
    documents = [_without_repeats(document) for document in read_documents(data_dir / one.file)]
    for name, backend in _backends(data_dir / one.vocabulary).items():
        for boundary in get_args(Boundary):
            for alignment in get_args(Alignment):
                counts = _counts(documents, TextTokenizer(backend, boundary, alignment), alignment)
                yield {"set": one.name, "tokenizer": name, "boundary": boundary, "alignment": alignment, **counts}


def _counts(documents: Sequence[Document], tokenizer: TextTokenizer, alignment: Alignment) -> dict[str, object]:
    labels = LabelSet.from_documents(documents)
    left_out, expanded = Report(), Report()
    kept = tokens = 0
    for document, tokenized in zip(documents, tokenizer.tokenize(documents), strict=True):
        expanding = expanded if alignment == "expand" else None
        kept += len(align_entities(document, tokenized, labels, left_out, expanding))
        tokens += len(tokenized)
    entities = sum(len(document.entities) for document in documents)
    moved = sum(expanded.counts.values())
    inside = [sum(pair) for pair in zip(count_edges_inside(left_out), count_edges_inside(expanded), strict=True)]
    return {
        "documents": len(documents),
        "entities": entities,
        "exact": kept - moved,
        "expanded": moved,
        "left_out": entities - kept,
        "inside_token": inside[0],
        "inside_word": inside[1],
        "other": entities - (kept - moved) - sum(inside),
        "inside_grapheme": sum(map(_inside_graphemes, documents)),
        "tokens": tokens,
    }


def _without_repeats(document: Document) -> Document:
    return replace(document, entities=tuple({entity.key: entity for entity in document.entities}.values()))


@cache
def _backends(vocabulary: Path) -> dict[str, Tokenizer]:
    texts = [document.text for document in read_documents(vocabulary)]
    byte_level = Tokenizer(models.BPE())
    byte_level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    byte_level.train_from_iterator(texts, trainer)
    word_piece = bert_shaped_tokenizer(texts, vocabulary_size=VOCABULARY_SIZE)
    return {"WordPiece": word_piece.backend_tokenizer, "byte BPE": byte_level}


def _inside_graphemes(document: Document) -> int:
    """Entities with an edge inside a grapheme."""
    if document.text.isascii() or not document.entities:
        return 0
    spans = pre_tokenizers.Split(Regex(r"\X"), "isolated").pre_tokenize_str(document.text)
    inside = {place for _, (start, end) in spans for place in range(start + 1, end)}
    return sum(entity.start in inside or entity.end in inside for entity in document.entities)


def _line(row: Mapping[str, object]) -> str:
    what = ", ".join(str(row[name]) for name in _KEY)
    return (
        f"{what}: {row['exact']:,} of {row['entities']:,} exact, {row['expanded']:,} expanded; {row['tokens']:,} tokens"
    )


if __name__ == "__main__":
    sys.exit(main())
