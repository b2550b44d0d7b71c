"""How many threads may call a model at once, and the share of the cores that each takes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch

from globalner.extractor.torch_scorer import TorchScorer


@pytest.fixture
def shares(monkeypatch) -> list[int]:
    taken: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    return taken


def scorer(device: str = "cpu") -> TorchScorer:
    return TorchScorer(SimpleNamespace(device=torch.device(device)))


def test_each_thread_takes_its_share_of_the_cores_once(shares):
    shared = scorer()
    shared.share_cores(4)
    shared.share_cores(4)
    assert shares == [2], "setting what is set already empties caches"
    shared.share_cores(1)
    assert shares == [2, 8]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(shared.share_cores, 1).result()
    assert shares == [2, 8, 8], "another thread has its own"


def test_a_share_is_at_least_one_core(shares):
    scorer().share_cores(9)
    assert shares == [1]


@pytest.mark.parametrize(("device", "cores", "threads"), [("cpu", 8, 4), ("cpu", 2, 2), ("cuda", 8, 1)])
def test_threads_that_gain_by_calling_at_once(monkeypatch, device, cores, threads):
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    assert scorer(device).model_threads() == threads
