"""What `benchmarks.span_loss` measures: cases, each with its inputs, our implementation and what it is held against."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from benchmarks.published_form import square_efficient_span_loss, square_head, square_span_loss
from benchmarks.workload import Workload
from globalner.kernels import SpanScores, find_spans, span_loss
from globalner.layers import GlobalPointer

__all__ = ["CASES", "TINY", "Case", "Size", "prepare"]

HIDDEN = 768
GOLD_SPANS = 3
SCORE_OF_FOUND, SEARCH_THRESHOLD = 12.0, 9.0
"""Those planted for the search; the score of another span reaches the threshold once in ten thousand runs."""

Device = Literal["cpu", "cuda"]
# The published form holds about ten squares at once. Where they would need more, only ours is measured.
_SQUARES, _LARGEST_MIB = 10, {"cpu": 4096, "cuda": 65536}


@dataclass(frozen=True)
class Size:
    """B texts, C types, L tokens, heads of width D."""

    batch: int
    types: int
    length: int
    width: int = 64

    def __str__(self) -> str:
        return f"B {self.batch}, C {self.types}, L {self.length}, D {self.width}"


TINY = Size(1, 2, 128)
"""Large enough to start the threads of the CPU."""


@dataclass(frozen=True)
class Case:
    """Something to measure.

    Attributes:
        what: "loss" of GlobalPointer on given query and key, that of "efficient" GlobalPointer on given query, key and
            biases, "head" and loss of GlobalPointer together, or the "search" for spans above a threshold.
        size: Shape of the inputs.
        device: Where it runs; fp32 on the CPU, bf16 on CUDA.
    """

    what: Literal["loss", "efficient", "head", "search"]
    size: Size
    device: Device = "cpu"

    @property
    def baseline(self) -> str | None:
        """What ours is held against; None where that would not fit in memory."""
        size = self.size
        bytes_each = 4 if self.device == "cpu" else 2
        square_mib = size.batch * size.types * size.length**2 * bytes_each / 2**20
        if _SQUARES * square_mib > _LARGEST_MIB[self.device]:
            return None
        return "dense" if self.what == "search" else "published"


def prepare(case: Case, impl: str, size: Size | None = None) -> Workload:
    """One implementation of a case on its inputs, which are the same in every run.

    Args:
        case: What to prepare.
        impl: The case's baseline, or an implementation of ours by name.
        size: Another size than the case's.
    """
    torch.manual_seed(0)
    dtype = torch.float32 if case.device == "cpu" else torch.bfloat16
    return _PREPARE[case.what](size or case.size, impl, dtype)


def _loss(size: Size, impl: str, dtype: torch.dtype) -> Workload:
    shape = (size.batch, size.types, size.length, size.width)
    query, key = _factors(shape, dtype)
    gold, mask = _gold(size), _mask(size)
    if impl != "published":
        scores = SpanScores(query, key, start_mask=mask, end_mask=mask)
        return _training(lambda: span_loss(scores, gold, impl=impl), (query, key))
    labels, real = _labels_once(size, gold, dtype), mask.to(dtype)
    loss = torch.compile(square_span_loss) if query.is_cuda else square_span_loss
    return _training(lambda: loss(query, key, labels(), real), (query, key))


def _efficient_loss(size: Size, impl: str, dtype: torch.dtype) -> Workload:
    query, key = _factors((size.batch, 1, size.length, size.width), dtype)
    start, end = (torch.randn(size.batch, size.types, size.length, dtype=dtype, requires_grad=True) for _ in range(2))
    leaves = (query, key, start, end)
    gold, mask = _gold(size), _mask(size)
    if impl != "published":
        scores = SpanScores(query, key, start, end, mask, mask)
        return _training(lambda: span_loss(scores, gold, impl=impl), leaves)
    labels, real = _labels_once(size, gold, dtype), mask.to(dtype)

    def loss() -> Tensor:
        factors = query.squeeze(1), key.squeeze(1)
        return square_efficient_span_loss(factors, (start, end), labels(), real)

    return _training(loss, leaves)


def _head_and_loss(size: Size, impl: str, dtype: torch.dtype) -> Workload:
    head = GlobalPointer(hidden_size=HIDDEN, num_types=size.types, head_size=size.width).to(dtype)
    hidden = torch.randn(size.batch, size.length, HIDDEN, dtype=dtype, requires_grad=True)
    leaves = (hidden, *head.parameters())
    gold, mask = _gold(size), _mask(size)
    if impl != "published":
        return _training(lambda: span_loss(head(hidden, mask, mask), gold, impl=impl), leaves)
    labels, real = _labels_once(size, gold, dtype), mask.to(dtype)

    def loss() -> Tensor:
        query, key = square_head(hidden, head.projection, size.types)
        return square_span_loss(query, key, labels(), real)

    return _training(loss, leaves)


def _search(size: Size, impl: str, dtype: torch.dtype) -> Workload:
    shape = (size.batch, size.types, size.length, size.width)
    query, key = torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype)
    query *= size.width**-0.5
    for text, type_, first, last in _gold(size).tolist():
        start = query[text, type_, first]
        key[text, type_, last] += start * (SCORE_OF_FOUND / start.square().sum())
    scores = SpanScores(query, key, start_mask=_mask(size), end_mask=_mask(size))
    if impl == "dense":
        return Workload(lambda: (scores.dense() > SEARCH_THRESHOLD).nonzero())
    return Workload(lambda: find_spans(scores, SEARCH_THRESHOLD, impl=impl))


def _training(loss: Callable[[], Tensor], leaves: Sequence[Tensor]) -> Workload:
    return Workload(lambda: torch.autograd.backward(loss()), leaves)


def _factors(shape: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Leaf query and key whose scores have a variance of 1."""
    query = (torch.randn(shape) * shape[-1] ** -0.5).to(dtype).requires_grad_()
    return query, torch.randn(shape).to(dtype).requires_grad_()


def _gold(size: Size) -> Tensor:
    """A few random spans of each text, (N, 4): text, type, first, last token (inclusive)."""
    number = size.batch * GOLD_SPANS
    text = torch.arange(size.batch).repeat_interleave(GOLD_SPANS)
    ends = torch.randint(size.length, (number, 2)).sort(dim=1).values
    return torch.cat([text[:, None], torch.randint(size.types, (number, 1)), ends], dim=1)


def _labels_once(size: Size, gold: Tensor, dtype: torch.dtype) -> Callable[[], Tensor]:
    """The dense labels of the published form, made at the first call.

    They are a square that only the published form needs, so they belong to its memory; making them is not timed.
    """

    @functools.cache
    def labels() -> Tensor:
        made = torch.zeros(size.batch, size.types, size.length, size.length, dtype=dtype)
        made[tuple(gold.unbind(1))] = 1
        return made

    return labels


def _mask(size: Size) -> Tensor:
    return torch.ones(size.batch, size.length, dtype=torch.bool)


_PREPARE: dict[str, Callable[[Size, str, torch.dtype], Workload]] = {
    "loss": _loss,
    "efficient": _efficient_loss,
    "head": _head_and_loss,
    "search": _search,
}

CASES = {
    "loss-512": Case("loss", Size(8, 10, 512)),
    "loss-1024": Case("loss", Size(2, 20, 1024)),
    "head-512": Case("head", Size(8, 10, 512)),
    "search-512": Case("search", Size(8, 10, 512)),
    **{f"types-{types}": Case("efficient", Size(4, types, 512)) for types in (1, 10, 100, 1000)},
    "types-10000": Case("efficient", Size(1, 10000, 512)),
    **{f"length-{length}": Case("loss", Size(1, 10, length)) for length in (128, 256, 512, 1024, 2048, 4096)},
    "head-8192": Case("head", Size(1, 50, 8192)),
    "cuda-loss-1024": Case("loss", Size(16, 50, 1024), "cuda"),
}
"""By name: `length-L` and `types-C` are the two sweeps of the plot."""
