"""The CRF against all tag sequences, one by one."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from benchmarks.baselines.crf import LinearChainCrf

TAGS = 3
LENGTHS = (4, 1, 0, 3)


@pytest.fixture
def crf() -> LinearChainCrf:
    """With scores that are no zeros."""
    torch.manual_seed(1)
    made = LinearChainCrf(TAGS).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return made


@pytest.fixture
def emissions() -> Tensor:
    """(B, W, T), requiring gradients."""
    return torch.randn(len(LENGTHS), max(LENGTHS), TAGS, dtype=torch.float64).requires_grad_()


@pytest.fixture
def mask() -> Tensor:
    """(B, W)."""
    return torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


def plain_score(crf: LinearChainCrf, emissions: Tensor, path: tuple[int, ...]) -> Tensor:
    if not path:
        return emissions.new_zeros(())
    score = crf.start[path[0]] + crf.end[path[-1]]
    for word, tag in enumerate(path):
        score = score + emissions[word, tag]
        if word:
            score = score + crf.transitions[path[word - 1], tag]
    return score


def all_scores(crf: LinearChainCrf, emissions: Tensor, length: int) -> dict[tuple[int, ...], Tensor]:
    return {path: plain_score(crf, emissions, path) for path in product(range(TAGS), repeat=length)}


def brute_log_partition(crf: LinearChainCrf, emissions: Tensor) -> Tensor:
    rows = [all_scores(crf, emissions[row], length) for row, length in enumerate(LENGTHS)]
    return torch.stack([torch.logsumexp(torch.stack(list(scores.values())), dim=0) for scores in rows])


def test_the_log_partition_sums_over_all_paths(crf: LinearChainCrf, emissions: Tensor, mask: Tensor) -> None:
    torch.testing.assert_close(crf.log_partition(emissions, mask), brute_log_partition(crf, emissions))


def test_its_gradients_are_those_of_the_sum(crf: LinearChainCrf, emissions: Tensor, mask: Tensor) -> None:
    inputs = [emissions, *crf.parameters()]
    ours = torch.autograd.grad(crf.log_partition(emissions, mask).sum(), inputs)
    plain = torch.autograd.grad(brute_log_partition(crf, emissions).sum(), inputs)
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other)


def test_path_scores_and_their_gradients(crf: LinearChainCrf, emissions: Tensor, mask: Tensor) -> None:
    tags = torch.randint(TAGS, mask.shape, generator=torch.Generator().manual_seed(2))
    paths = [tuple(tags[row, :length].tolist()) for row, length in enumerate(LENGTHS)]
    plain = torch.stack([plain_score(crf, emissions[row], path) for row, path in enumerate(paths)])
    ours = crf.path_score(emissions, mask, tags)
    torch.testing.assert_close(ours, plain)
    inputs = [emissions, *crf.parameters()]
    pairs = zip(torch.autograd.grad(ours.sum(), inputs), torch.autograd.grad(plain.sum(), inputs), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other)


def test_the_best_path_is_the_best_of_all(crf: LinearChainCrf, emissions: Tensor, mask: Tensor) -> None:
    for _ in range(20):
        drawn = torch.randn_like(emissions)
        found = crf.best_path(drawn, mask)
        assert not found[~mask].any()
        for row, length in enumerate(LENGTHS):
            scores = all_scores(crf, drawn[row], length)
            assert tuple(found[row, :length].tolist()) == max(scores, key=lambda path: float(scores[path].detach()))


def test_a_fresh_field_is_a_softmax_for_each_word(emissions: Tensor, mask: Tensor) -> None:
    fresh = LinearChainCrf(TAGS).double()
    softmax = (torch.logsumexp(emissions, dim=2) * mask).sum(dim=1)
    torch.testing.assert_close(fresh.log_partition(emissions, mask), softmax)
