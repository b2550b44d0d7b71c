"""Runs a model in torch and finds the spans of a batch."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from globalner.data import Batch
from globalner.decoding import TokenSpans
from globalner.errors import ConfigError
from globalner.kernels import FoundSpans, find_spans
from globalner.kernels.tiles import Tile, TileSize, tiles_of
from globalner.model import GlobalPointerModel

__all__ = ["TorchScorer", "autocast", "choose_device"]

# More at once would each be so slow that nobody who asks alone is served well.
_MOST_THREADS = 4
_PRECISIONS: dict[str, torch.dtype | None] = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" takes a GPU if there is one.

    Raises:
        ConfigError: If there is no such device here.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    kind = name.partition(":")[0]
    if not there.get(kind, False):
        raise ConfigError(f"device {name!r} is not here; there are: auto, {', '.join(k for k in there if there[k])}")
    return torch.device(name)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Automatic mixed precision of that name ("bf16", "fp16"); nothing for "fp32"."""
    dtype = _PRECISIONS[precision]
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)


class TorchScorer:
    """A `SpanScorer` on a torch model, on the device where the model is.

    Args:
        model: The model; it is put in evaluation mode while it runs and back afterwards.
        precision: "fp32", or "bf16" or "fp16" for automatic mixed precision.

    Raises:
        ConfigError: If there is no such precision.
    """

    def __init__(self, model: GlobalPointerModel, precision: str = "fp32") -> None:
        if precision not in _PRECISIONS:
            raise ConfigError(f"unknown precision {precision!r}; there are: {', '.join(_PRECISIONS)}")
        self._model, self.precision = model, precision
        self._cores = torch.get_num_threads()
        self._thread = threading.local()

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        device: torch.device = self._model.device
        return device

    def search_work(self, length: int) -> int:
        """Scores in the tiles that a search visits in one window padded to `length` tokens, over all types."""
        square = Tile(0, length, 0, length)
        tiles = tiles_of(square, TileSize(), self._model.config.max_span_tokens)
        cells = sum((tile.end_row - tile.first_row) * (tile.end_column - tile.first_column) for tile in tiles)
        return cells * len(self._model.config.label_set)

    def model_threads(self) -> int:
        """Threads that may call `find` at once and gain by it: one on a GPU, on a CPU one a core, but at most four.

        Batches side by side, each on its share of the cores, wait for nobody; one batch on all cores waits at the end
        of each operation for the slowest.
        """
        return min(self._cores, _MOST_THREADS) if self.device.type == "cpu" else 1

    def share_cores(self, threads: int) -> None:
        """In a thread of so many that call `find` at once, takes its share of the cores of a CPU for the next call."""
        share = max(1, self._cores // threads)
        if share != getattr(self._thread, "share", None):  # setting it anew empties caches of torch
            torch.set_num_threads(share)
            self._thread.share = share

    def find(
        self, batch: Batch, threshold_logits: NDArray[np.float64], top_k: int
    ) -> tuple[list[TokenSpans], NDArray[np.bool_]]:
        """Spans strictly above `threshold_logits` (C,), the `top_k` highest of each row; see `SpanScorer`."""
        batch = batch.to(self.device)
        was_training = self._model.training
        if was_training:
            self._model.train(False)
        try:
            with torch.inference_mode(), autocast(self.device, self.precision):
                scores = self._model(batch.input_ids, batch.attention_mask, batch.start_mask, batch.end_mask)
                thresholds = torch.from_numpy(threshold_logits)
                found = find_spans(scores, thresholds, self._model.config.max_span_tokens, top_k)
        finally:
            if was_training:
                self._model.train(True)
        return _by_row(found), found.limited.cpu().numpy()


def _by_row(found: FoundSpans) -> list[TokenSpans]:
    row = found.batch.cpu().numpy()
    columns = [column.cpu().numpy() for column in (found.first, found.last, found.type, found.logit)]
    edges = np.searchsorted(row, np.arange(len(found.limited) + 1))
    return [TokenSpans(*(column[a:b] for column in columns)) for a, b in pairwise(edges)]
