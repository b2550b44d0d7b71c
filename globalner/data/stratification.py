"""Splitting a set so that each part has its share of every label."""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Unit", "label_balance", "stratified_parts"]


@dataclass(slots=True)
class Unit:
    """Documents that stay together.

    Attributes:
        documents: How many.
        labels: How many entities of each label they have.
    """

    documents: int = 0
    labels: Counter[str] = field(default_factory=Counter)


def stratified_parts(units: Sequence[Unit], shares: Sequence[float], *, seed: int) -> list[int]:
    """Gives each unit to a part, so that parts have their share of the documents and of the entities of each label.

    The rarest label among what is left comes first; each unit with it goes to the part that still wants most entities
    of the label, of such parts to the one that wants most documents, of such to a random one. Parts that have all
    their documents take no more, so that sizes are met. Units without entities come last.

    Iterative stratification after Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-label Data"
    (ECML PKDD 2011), with counts of entities in place of labels, and units in place of examples.

    Args:
        units: The units.
        shares: Share of the documents that each part is to have; they add up to 1.
        seed: Of the random order and the random choices.

    Returns:
        Of each unit, the index of its part.
    """
    return _Stratification(units, shares, seed).parts()


class _Stratification:
    def __init__(self, units: Sequence[Unit], shares: Sequence[float], seed: int) -> None:
        self._units = units
        self._random = random.Random(seed)
        total = sum(unit.documents for unit in units)
        self._left: Counter[str] = Counter()
        for unit in units:
            self._left.update(unit.labels)
        self._wanted_documents = [share * total for share in shares]
        self._wanted = {label: [share * count for share in shares] for label, count in self._left.items()}
        self._part = [-1] * len(units)

    def parts(self) -> list[int]:
        order = list(range(len(self._units)))
        self._random.shuffle(order)
        units_with: defaultdict[str, list[int]] = defaultdict(list)
        for place in order:
            for label in self._units[place].labels:
                units_with[label].append(place)
        queue = [(count, label) for label, count in sorted(self._left.items())]
        heapq.heapify(queue)
        while queue:
            count, label = heapq.heappop(queue)
            if count != self._left[label]:  # entries that are out of date have a newer one behind them
                continue
            for place in units_with.pop(label, ()):
                if self._part[place] < 0:
                    self._give(place, self._wanted[label], queue)
        for place in order:
            if self._part[place] < 0:
                self._give(place, self._wanted_documents, queue)
        return self._part

    def _give(self, place: int, wanted: Sequence[float], queue: list[tuple[int, str]]) -> None:
        unit = self._units[place]
        part = self._choice(wanted)
        self._part[place] = part
        self._wanted_documents[part] -= unit.documents
        for label, count in unit.labels.items():
            self._wanted[label][part] -= count
            self._left[label] -= count
            if self._left[label]:
                heapq.heappush(queue, (self._left[label], label))

    def _choice(self, wanted: Sequence[float]) -> int:
        every = range(len(self._wanted_documents))
        open_parts = [part for part in every if self._wanted_documents[part] >= 0.5] or [
            part for part in every if self._wanted_documents[part] == max(self._wanted_documents)
        ]
        best = max((wanted[part], self._wanted_documents[part]) for part in open_parts)
        return self._random.choice(
            [part for part in open_parts if (wanted[part], self._wanted_documents[part]) == best]
        )


def label_balance(units: Sequence[Unit], parts: Sequence[int], count: int) -> Mapping[str, list[int]]:
    """By label, how many of its entities each part has.

    Args:
        units: The units.
        parts: Of each, the index of its part.
        count: How many parts there are.
    """
    balance: dict[str, list[int]] = {}
    for unit, part in zip(units, parts, strict=True):
        for label, entities in unit.labels.items():
            balance.setdefault(label, [0] * count)[part] += entities
    return balance
