"""Which part of a training step each module of a model belongs to, by its name and its kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from torch import nn
from transformers.pytorch_utils import Conv1D

from globalner.profiling.part import Part

__all__ = ["boundaries", "module_parts", "weight_bytes"]

_EMBEDDING = re.compile(r"(?:^|\.)(?:embed\w*|wte|wpe|rotary_emb|convolution)(?:\.|$)")
_LAYER = re.compile(r"(?:^|\.)(?:layers?|blocks|h)\.\d+\.(.+)$")
_ATTENTION = re.compile(r"(?:^|\.|_)(?:attention|attn)(?:\.|$)")


def module_parts(encoder: nn.Module, *, gated: bool) -> dict[nn.Module, Part]:
    """The part of each module of an encoder, the encoder itself included.

    Attention is what is named so inside a layer, and its matrices are its projections; other modules of a layer that
    are no norms are feed-forward. What a module computes outside of the modules that it holds is of its own part.

    Args:
        encoder: One of our own, or of the families that name their modules as BERT or GPT do.
        gated: Whether the matrices of its attention are gates.
    """
    return {module: _part(name, module, gated) for name, module in encoder.named_modules()}


def boundaries(model: nn.Module, parts: Mapping[nn.Module, Part]) -> dict[nn.Module, Part]:
    """The modules of another part than the module that holds them, and those that no other one holds."""
    known = {name: parts[module] for name, module in model.named_modules() if module in parts}
    above = {name: known.get(name.rpartition(".")[0]) if name else None for name in known}
    return {model.get_submodule(name): part for name, part in known.items() if part != above[name]}


def weight_bytes(parts: Mapping[nn.Module, Part]) -> dict[Part, int]:
    """Bytes of the weights of each part; a table that two modules share counts once."""
    seen: set[int] = set()
    counted: Counter[Part] = Counter()
    for module, part in parts.items():
        for weight in module.parameters(recurse=False):
            if id(weight) not in seen:
                seen.add(id(weight))
                counted[part] += weight.nbytes
    return dict(counted)


def _part(name: str, module: nn.Module, gated: bool) -> Part:
    inside = _LAYER.search(name)
    if inside is None:
        return "embedding" if _EMBEDDING.search(name) else "rest"
    directly = "." not in inside[1]
    if "Norm" in type(module).__name__ or (directly and isinstance(module, nn.Dropout)):
        return "rest"
    # Matrices that LoRA added to are held by a module that adds; GPT-2 has a class of its own for them.
    matrix = isinstance(module, nn.Linear | Conv1D) or hasattr(module, "base_layer")
    if not _ATTENTION.search(inside[1]):
        return "feed_forward"
    if matrix:
        return "gate" if gated else "attention_projections"
    return "attention_mixing"
