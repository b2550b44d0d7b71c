"""Which layer of an encoder a parameter belongs to."""

from __future__ import annotations

import re

from torch import nn

__all__ = ["layer_numbers"]

_LAYER = re.compile(r"(?:^|\.)(?:layers?|blocks|h)\.(\d+)\.")


def layer_numbers(encoder: nn.Module) -> dict[str, int]:
    """The number of its layer, counted from 0 at the bottom, for each parameter by name.

    What stands outside the layers is either under them all (-1: embeddings, a convolution) or above them all, and then
    has the number of the last one (a last norm). An encoder whose layers cannot be told has -1 everywhere.
    """
    names = [name for name, _ in encoder.named_parameters()]
    inside = {name: int(found[1]) for name in names if (found := _LAYER.search(name))}
    top = max(inside.values(), default=-1)
    first = next((place for place, name in enumerate(names) if name in inside), len(names))
    # Embeddings of some families have names of their own (wte), and some have a table of positions behind the layers.
    under = {name for place, name in enumerate(names) if place < first or "embed" in name or "convolution" in name}
    return {name: inside.get(name, -1 if name in under else top) for name in names}
