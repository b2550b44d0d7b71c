"""What looks wrong in a set of documents as a whole: things that only show when documents are compared."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from globalner.data.formats.words import is_unspaced
from globalner.data.problems import Problem, cuts_word
from globalner.data.text_digests import entities_digest, text_digest
from globalner.types import Document

__all__ = ["ALIKE_LABELS", "INCLUSIVE_ENDS", "SetProblems", "alike_labels"]

ALIKE_LABELS = "labels that differ in case or blanks only"
INCLUSIVE_ENDS = "offsets that look inclusive"
_MIN_CUT, _CUT_SHARE = 3, 0.5
_SEPARATORS = re.compile(r"[\s_-]+")


class SetProblems:
    """Compares the documents of a set, taken one by one.

    What is kept: the ids, the texts of entities with their labels, and two numbers for each text.

    Attributes:
        label_counts: How many entities each label has.
    """

    def __init__(self) -> None:
        self.label_counts: Counter[str] = Counter()
        self._place_of_id: dict[str, str] = {}
        self._first_of_text: dict[int, tuple[str, int]] = {}
        self._labels_of: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._ends = self._cut_ends = 0
        self._example = ""

    def add(self, document: Document, place: str) -> Iterator[Problem]:
        """Takes a document, and yields what it has in common with an earlier one and should not.

        Args:
            document: The document.
            place: Where it stands, for messages.
        """
        if document.id is not None:
            if document.id in self._place_of_id:
                yield Problem("id given twice", f"{document.id!r}, first at {self._place_of_id[document.id]}")
            self._place_of_id.setdefault(document.id, place)
        if document.text.strip():
            yield from self._repeated_text(document, place)
        for entity in document.entities:
            self.label_counts[entity.label] += 1
            self._labels_of[entity.text.strip()][entity.label] += 1
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

    def _repeated_text(self, document: Document, place: str) -> Iterator[Problem]:
        digest, entities = text_digest(document.text), entities_digest(document.entities)
        first = self._first_of_text.get(digest)
        if first is None:
            self._first_of_text[digest] = (place, entities)
        else:
            kind = "text given twice" if first[1] == entities else "text given twice, with other entities"
            yield Problem(kind, f"{document.text[:60]!r}, first at {first[0]}")

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
        several = [(text, labels) for text, labels in self._labels_of.items() if len(labels) > 1]
        # The more one label outweighs the others, the more likely these are mistakes.
        several.sort(key=lambda item: (-item[1].most_common(1)[0][1] / (item[1].total() - _most(item[1])), item[0]))
        for text, labels in several:
            counts = ", ".join(f"{label} {count:,}" for label, count in labels.most_common())
            yield Problem("same text labelled differently", f"{text[:60]!r}: {counts}")


def alike_labels(counts: Counter[str]) -> list[list[str]]:
    """Labels that are the same but for case, blanks, `_` and `-`, in groups; in each the most frequent first."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label in sorted(counts, key=lambda name: (-counts[name], name)):
        groups[_SEPARATORS.sub("", label.casefold())].append(label)
    return [names for names in groups.values() if len(names) > 1]


def _most(labels: Counter[str]) -> int:
    return labels.most_common(1)[0][1]
