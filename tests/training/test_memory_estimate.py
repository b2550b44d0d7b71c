"""The memory that training says it will take, held against what autograd keeps, and against what it must depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import BertConfig

from globalner.config import load_recipe
from globalner.data import Window, collate
from globalner.encoders import NativeEncoderConfig
from globalner.model import GlobalPointerConfig, GlobalPointerModel
from globalner.training.data_module import WindowDataModule
from globalner.training.memory_estimate import MemoryEstimate, estimate_memory
from globalner.training.module import GlobalPointerModule
from globalner.training.optimizer import OptimizerSettings

ENCODERS = {
    "native": NativeEncoderConfig(vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2),
    "bert": BertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64),
}
MIB = 1 << 20


def module_of(encoder: str = "native", samples: int = 1, **changes: object) -> GlobalPointerModule:
    torch.manual_seed(0)
    config = GlobalPointerConfig(
        encoder=ENCODERS[encoder].to_dict(), labels=["A", "B"], head_size=4, boundary="token", **changes
    )
    settings = OptimizerSettings(1e-3, 1e-3, 0.0, 0.0)
    return GlobalPointerModule(GlobalPointerModel(config), settings, 1, dropout_samples=samples)


def window_of(length: int) -> Window:
    inner = np.ones(length, dtype=bool)
    inner[[0, -1]] = False
    gold, ignore = np.array([[0, 1, 2], [1, 2, 2]]), np.zeros((0, 3), dtype=np.int64)
    return Window(0, 0, length - 2, 1, np.arange(length) % 19 + 1, inner, inner, gold, ignore)


def data_of(batch_size: int, *lengths: int) -> WindowDataModule:
    return WindowDataModule([window_of(length) for length in lengths], batch_size=batch_size, pad_id=0, seed=0)


def estimated(
    module: GlobalPointerModule | None = None, data: WindowDataModule | None = None, *changes: str
) -> MemoryEstimate:
    return estimate_memory(module or module_of(), data or data_of(4, *[24] * 8), load_recipe("demo", changes).recipe)


def bytes_in_the_graph(loss: Tensor, weights: set[int]) -> int:
    """What the nodes behind a loss hold on to, read from the nodes themselves."""
    pieces: dict[int, int] = {}
    seen, todo = set(), [loss.grad_fn]
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        todo += [following for following, _ in node.next_functions]
        held = [getattr(node, name) for name in dir(node) if name.startswith("_saved_")]
        for tensor in (*held, *getattr(node, "saved_tensors", ())):
            if isinstance(tensor, Tensor) and tensor.untyped_storage().data_ptr() not in weights:
                pieces[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return sum(pieces.values())


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("samples", [1, 3])
def test_what_is_kept_is_what_the_graph_of_a_whole_batch_holds(encoder: str, samples: int) -> None:
    module = module_of(encoder, samples=samples, dropout=0.1)
    windows = [window_of(length) for length in (40, 38, 36, 31, 30)]
    batch = collate(windows, pad_id=0)
    weights = {weight.untyped_storage().data_ptr() for weight in (*module.parameters(), *module.buffers())}
    held = bytes_in_the_graph(module.train().batch_loss(batch), weights)
    made = estimated(module, WindowDataModule(windows, batch_size=5, pad_id=0, seed=0))
    # Gradients of the scores' factors (two of width 4, two biases for 2 types) lie in no node yet.
    factors = samples * 5 * 40 * (2 * 4 + 2 * 2) * 4
    assert made.activations_mib + made.head_mib == pytest.approx((held + 2 * factors) / MIB, rel=0.03)


def test_the_parts_add_up_and_are_told() -> None:
    made = MemoryEstimate(87.2, 174.4, 0.0, 1350.0, 3.25, 811.9, 0.0)
    assert made.total_mib == pytest.approx(2426.75)
    assert made.line() == (
        "memory: about 2,427 MiB on top of what is loaded (gradients 87, optimiser 174, activations 1,350, "
        "head and loss 3.2, gaps in the heap 812)"
    )


def test_activations_grow_with_batch_and_length_and_weights_do_not() -> None:
    module = module_of()
    small = estimated(module, data_of(4, *[24] * 8))
    double = estimated(module, data_of(8, *[24] * 8))
    assert double.activations_mib == pytest.approx(2 * small.activations_mib, rel=0.05)
    assert double.head_mib == pytest.approx(2 * small.head_mib, rel=0.05)
    longer = estimated(module, data_of(4, *[24] * 7, 48))
    # Attention with dropout keeps its square.
    assert 1.9 < longer.activations_mib / small.activations_mib < 4
    assert (longer.gradients_mib, longer.optimizer_mib) == (small.gradients_mib, small.optimizer_mib)


def test_a_batch_has_no_more_windows_than_there_are() -> None:
    assert estimated(data=data_of(64, 24, 24, 24)) == estimated(data=data_of(3, 24, 24, 24))


def test_only_trained_weights_have_gradients_and_moments() -> None:
    module = module_of()
    whole = sum(weight.nbytes for weight in module.parameters()) / MIB
    made = estimated(module)
    assert (made.gradients_mib, made.optimizer_mib) == pytest.approx((whole, 2 * whole))
    module.model.encoder.requires_grad_(False)
    head = sum(weight.nbytes for weight in module.model.head.parameters()) / MIB
    frozen = estimated(module)
    assert (frozen.gradients_mib, frozen.optimizer_mib) == pytest.approx((head, 2 * head))
    assert frozen.activations_mib < 0.1 * made.activations_mib


def test_options_that_keep_copies_of_the_weights_count_them() -> None:
    module = module_of()
    whole = sum(weight.nbytes for weight in module.parameters()) / MIB
    table = module.model.encoder.get_input_embeddings().weight.nbytes / MIB
    assert estimated(module).copies_mib == 0
    assert estimated(module, None, "training.average_decay=0.9").copies_mib == pytest.approx(whole)
    assert estimated(module, None, "training.adversarial_norm=0.5").copies_mib == pytest.approx(table)


def test_a_checkpoint_counts_where_it_takes_more_than_a_step() -> None:
    module = module_of()
    whole = sum(weight.nbytes for weight in module.parameters()) / MIB
    made = estimated(module, data_of(1, 4))
    assert made.checkpoint_mib > 0
    assert made.gaps_mib + made.checkpoint_mib == pytest.approx(3 * whole)
    assert estimated(module, data_of(64, *[60] * 64)).checkpoint_mib == 0


def test_half_precision_keeps_less_of_the_batch() -> None:
    full, half = (estimated(None, None, f"training.precision={precision}") for precision in ("fp32", "bf16"))
    assert half.activations_mib < 0.9 * full.activations_mib
    assert half.gradients_mib == full.gradients_mib


@pytest.mark.parametrize("encoder", ENCODERS)
def test_nothing_is_changed(encoder: str) -> None:
    module = module_of(encoder, dropout=0.1).eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    random_state = torch.get_rng_state()
    estimated(module)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert all(weight.grad is None for weight in module.parameters())
    assert not any(part.training for part in module.modules())
    assert not module.model.encoder._forward_hooks
    assert not module.model.head._forward_hooks
