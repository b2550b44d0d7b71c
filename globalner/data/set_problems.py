"""What looks wrong in a set of documents as a whole: things that only show when documents are compared."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Literal

from globalner.data.formats.words import is_unspaced
from globalner.data.problems import Problem, cuts_word
from globalner.data.text_digests import entities_digest, text_digest
from globalner.types import Document

__all__ = ["ALIKE_LABELS", "INCLUSIVE_ENDS", "SetProblems", "alike_labels"]

ALIKE_LABELS = "labels that differ in case or blanks only"
INCLUSIVE_ENDS = "offsets that look inclusive"
_MIN_CUT, _CUT_SHARE = 3, 0.5
_DIGEST_BITS = 64
_SEPARATORS = re.compile(r"[\s_-]+")


class SetProblems:
    """Compares the documents of a set, taken one by one.

    What is kept: the ids, the texts of entities with their labels, and two numbers for each text.

    Args:
        unit: What the places of documents are numbers of, for messages.

    Attributes:
        unit: As given.
        label_counts: How many entities each label has.
    """

    def __init__(self, unit: Literal["line", "document"] = "line") -> None:
        self.unit = unit
        self.label_counts: Counter[str] = Counter()
        self._place_of_id: dict[str, int] = {}
        # Place and fingerprint of the entities in one number, which takes a third of the memory of a pair.
        self._first_of_text: dict[int, int] = {}
        self._counts_of: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._ends = self._cut_ends = 0
        self._example = ""

    def add(self, document: Document, place: int) -> Iterator[Problem]:
        """Takes a document, and yields what it has in common with an earlier one and should not.

        Args:
            document: The document.
            place: Where it stands: its line or its number.
        """
        if document.id is not None:
            if document.id in self._place_of_id:
                first = self._place_of_id[document.id]
                yield Problem("id given twice", f"{document.id!r}, first at {self.unit} {first}")
            self._place_of_id.setdefault(document.id, place)
        if document.text.strip():
            yield from self._repeated_text(document, place)
        for entity in document.entities:
            self.label_counts[entity.label] += 1
            counts, text = self._counts_of[entity.label], entity.text.strip()
            counts[text] = counts.get(text, 0) + 1
        if document.tokens is None:
            self._look_at_ends(document)

    def whole(self) -> Iterator[Problem]:
        """Yields what looks wrong in all documents together; the most telling of each kind first."""
        if self._cut_ends >= _MIN_CUT and self._cut_ends > _CUT_SHARE * self._ends:
            yield Problem(
                INCLUSIVE_ENDS,
                f"the word goes on behind {self._cut_ends:,} of {self._ends:,} entities that end in a letter or digit, "
                f"such as {self._example}: each may miss its last character",
            )
        for names in alike_labels(self.label_counts):
            counts = " and ".join(f"{name!r} ({self.label_counts[name]:,})" for name in names)
            yield Problem(ALIKE_LABELS, counts)
        yield from self._labelled_differently()

    def _repeated_text(self, document: Document, place: int) -> Iterator[Problem]:
        digest, entities = text_digest(document.text), entities_digest(document.entities)
        first = self._first_of_text.get(digest)
        if first is None:
            self._first_of_text[digest] = place << _DIGEST_BITS | entities
        else:
            same = first & ((1 << _DIGEST_BITS) - 1) == entities
            kind = "text given twice" if same else "text given twice, with other entities"
            yield Problem(kind, f"{document.text[:60]!r}, first at {self.unit} {first >> _DIGEST_BITS}")

    def _look_at_ends(self, document: Document) -> None:
        text = document.text
        for entity in document.entities:
            final = text[entity.end - 1]
            if not final.isalnum() or is_unspaced(final):
                continue
            self._ends += 1
            if cuts_word(text, entity.end) and not cuts_word(text, entity.start):
                self._cut_ends += 1
                self._example = self._example or f"{entity.text!r} in {text[entity.start : entity.end + 10]!r}"

    def _labelled_differently(self) -> Iterator[Problem]:
        seen: set[str] = set()
        twice: dict[str, Counter[str]] = {}
        for counts in self._counts_of.values():
            twice.update((text, Counter()) for text in counts if text in seen)
            seen.update(counts)
        for label, counts in self._counts_of.items():
            for text in twice.keys() & counts.keys():
                twice[text][label] = counts[text]
        # The more one label outweighs the others, the more likely these are mistakes.
        for text, labels in sorted(twice.items(), key=lambda item: (-_most(item[1]) / item[1].total(), item[0])):
            shown = ", ".join(f"{label} {count:,}" for label, count in labels.most_common())
            yield Problem("same text labelled differently", f"{text[:60]!r}: {shown}")


def alike_labels(counts: Counter[str]) -> list[list[str]]:
    """Labels that are the same but for case, blanks, `_` and `-`, in groups; in each the most frequent first."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label in sorted(counts, key=lambda name: (-counts[name], name)):
        groups[_SEPARATORS.sub("", label.casefold())].append(label)
    return [names for names in groups.values() if len(names) > 1]


def _most(labels: Counter[str]) -> int:
    return labels.most_common(1)[0][1]
