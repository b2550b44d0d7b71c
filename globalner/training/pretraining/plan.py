"""Which windows go in which step of a pretraining run, and when it stops and looks at held-out text."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from globalner.config import PretrainRecipe
from globalner.data import PackedText, shuffled_batches

__all__ = ["PretrainPlan", "plan_pretraining"]


@dataclass(frozen=True)
class PretrainPlan:
    """The steps of a run, which derive from its numbers alone; so a run that goes on takes up where it was.

    Steps are counted from 0. A round is what lies between two evaluations.

    Attributes:
        text: The training windows.
        batch_size: Windows of a step; the last one of a pass may have fewer.
        round_steps: Steps of a round; the last one may have fewer.
        epochs: Passes over the text, where `tokens` is None.
        tokens: Tokens to see before the run ends, or None.
        seed: Seed of the order.
    """

    text: PackedText
    batch_size: int
    round_steps: int
    epochs: int
    tokens: int | None
    seed: int
    _orders: dict[int, list[list[int]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def steps_per_pass(self) -> int:
        """Steps in which all windows are seen once."""
        return -(-len(self.text) // self.batch_size)

    @cached_property
    def total_steps(self) -> int:
        """Steps of the run: it ends with the step that reaches the tokens asked for."""
        if self.tokens is None:
            return self.epochs * self.steps_per_pass
        passes, rest = divmod(self.tokens, int(self.text.lengths.sum()))
        if not rest:
            return passes * self.steps_per_pass
        seen = np.cumsum([self.text.lengths[batch].sum() for batch in self._order(passes)])
        return passes * self.steps_per_pass + int(np.searchsorted(seen, rest)) + 1

    @property
    def rounds(self) -> int:
        """Evaluations of the run."""
        return -(-self.total_steps // self.round_steps)

    def steps(self, number: int) -> range:
        """Steps of a round, rounds counted from 0."""
        return range(number * self.round_steps, min((number + 1) * self.round_steps, self.total_steps))

    def place(self, step: int) -> tuple[int, int]:
        """The pass over the text that a step belongs to, and its number in it."""
        return divmod(step, self.steps_per_pass)

    def windows(self, step: int) -> list[int]:
        """The windows of a step."""
        number, place = self.place(step)
        return self._order(number)[place]

    def tokens_before(self, step: int) -> int:
        """Tokens seen before a step, special tokens included."""
        number, place = self.place(step)
        seen = sum(int(self.text.lengths[batch].sum()) for batch in self._order(number)[:place])
        return number * int(self.text.lengths.sum()) + seen

    def _order(self, number: int) -> list[list[int]]:
        """The steps of a pass, kept until another one is asked for."""
        if number not in self._orders:
            self._orders.clear()
            lengths = self.text.lengths.tolist()
            self._orders[number] = shuffled_batches(lengths, self.batch_size, seed=self.seed, epoch=number)
        return self._orders[number]


def plan_pretraining(recipe: PretrainRecipe, text: PackedText) -> PretrainPlan:
    """The plan that a recipe describes for its training text."""
    training = recipe.training
    return PretrainPlan(
        text, training.batch_size, recipe.evaluation.every_steps, training.epochs, training.tokens, training.seed
    )
