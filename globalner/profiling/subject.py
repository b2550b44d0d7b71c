"""What is profiled: a model with random weights, its training step on random tokens, and what both should cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from globalner.encoders import NativeEncoderForMaskedLM
from globalner.kernels import span_loss
from globalner.layers import EfficientGlobalPointer
from globalner.model import GlobalPointerModel
from globalner.profiling.encoder_formulas import Flops, encoder_flops
from globalner.profiling.encoder_shape import EncoderShape, shape_of
from globalner.profiling.head_formulas import HeadShape, loss_keeps_bytes, span_head_flops, token_head_flops
from globalner.profiling.part import Part
from globalner.profiling.parts_of_model import boundaries, module_parts

__all__ = ["MaskedSubject", "RunPart", "SpanSubject", "Step", "Subject"]

_TOKENS_A_SPAN = 16
"""One gold span in so many tokens."""
_LONGEST_SPAN = 8

Made = TypeVar("Made")


class RunPart(Protocol):
    """Calls a function that is a part of the step but no module."""

    def __call__(self, part: Part, compute: Callable[[], Made]) -> Made:
        """What the function makes."""
        ...


Step = Callable[[RunPart], Tensor]
"""The forward half of a training step: its loss."""


class Subject(ABC):
    """A model whose training step is profiled.

    Args:
        model: On the device where it is measured, in training mode.
        encoder: The encoder in it.
        known: Whether the formulas hold: not where matrices were added to it, or parts of it are not trained.

    Attributes:
        shape: Sizes of the encoder; None for a family that nothing is known of.
        parts: The part of each module.
    """

    def __init__(self, model: PreTrainedModel, encoder: PreTrainedModel, *, known: bool = True) -> None:
        self.model, self.encoder, self.known = model, encoder, known
        self.shape: EncoderShape | None = shape_of(encoder.config)
        gated = self.shape is not None and self.shape.gated
        self.parts: dict[nn.Module, Part] = module_parts(encoder, gated=gated)

    @property
    def loss_in_torch(self) -> bool:
        """Whether the loss is computed in torch, where its operations can be counted."""
        return True

    @property
    def boundaries(self) -> Mapping[nn.Module, Part]:
        """The modules that a part begins with."""
        return boundaries(self.model, self.parts)

    @abstractmethod
    def step(self, tokens: int, texts: int) -> Step:
        """A step on so many texts of so many random tokens, always the same ones."""

    @abstractmethod
    def head_flops(self, tokens: int) -> dict[Part, Flops]:
        """Operations of head and loss for one text, by the formulas."""

    def loss_keeps_bytes(self, tokens: int) -> int:  # noqa: ARG002 - nothing for most losses
        """Bytes that the loss keeps for one text where autograd does not see them."""
        return 0

    def flops(self, tokens: int, texts: int, *, fused: bool) -> dict[Part, Flops]:
        """Operations of a step by the formulas; a part without one is left out."""
        counted: dict[Part, Flops] = {}
        if self.shape is not None and self.known:
            counted |= encoder_flops(self.shape, tokens, fused=fused)
        counted |= self.head_flops(tokens)
        return {part: flops.times(texts) for part, flops in counted.items()}

    def _ids(self, tokens: int, texts: int) -> Tensor:
        """Random ids of any token but padding, which some families give no position."""
        random, config = torch.Generator().manual_seed(tokens), self.encoder.config
        ids = torch.randint(config.vocab_size - 1, (texts, tokens), generator=random)
        padding = config.pad_token_id if isinstance(config.pad_token_id, int) else config.vocab_size
        return (ids + (ids >= padding)).to(self.model.device)


class SpanSubject(Subject):
    """Encoder, span scorer and span loss.

    Args:
        model: The model.
        dropout_samples: How many times its hidden vectors are scored in a step.
        known: As of `Subject`.
    """

    model: GlobalPointerModel

    def __init__(self, model: GlobalPointerModel, *, dropout_samples: int = 1, known: bool = True) -> None:
        super().__init__(model, model.encoder, known=known)
        self._samples = dropout_samples
        for module in (model.dropout, *model.head.modules()):
            self.parts[module] = "head"
        self._head = HeadShape(
            efficient=isinstance(model.head, EfficientGlobalPointer),
            width=model.encoder.config.hidden_size,
            head_size=model.config.head_size,
            types=len(model.config.labels or ()),
            max_span_tokens=model.config.max_span_tokens,
        )

    @property
    def loss_in_torch(self) -> bool:
        """See `Subject`; on a GPU it is computed by kernels in Triton, if there is Triton."""
        return self.model.device.type != "cuda" or find_spec("triton") is None

    def step(self, tokens: int, texts: int) -> Step:
        """See `Subject`; every token may start and end an entity."""
        ids = self._ids(tokens, texts)
        real = torch.ones_like(ids, dtype=torch.bool)
        gold = self._gold(tokens, texts)
        limit = self._head.max_span_tokens

        def forward(run: RunPart) -> Tensor:
            hidden = self.model.encode(ids, real)
            losses = []
            for _ in range(self._samples):
                scores = self.model.score(hidden, real, real)
                losses.append(run("loss", partial(span_loss, scores, gold, max_span_tokens=limit)))
            return torch.stack(losses).mean()

        return forward

    def head_flops(self, tokens: int) -> dict[Part, Flops]:
        """See `Subject`."""
        counted = span_head_flops(self._head, tokens, rows=len(self._gold(tokens, 1)))
        return {part: flops.times(self._samples) for part, flops in counted.items()}

    def loss_keeps_bytes(self, tokens: int) -> int:
        """See `Subject`."""
        return self._samples * loss_keeps_bytes(self._head, tokens) if self.loss_in_torch else 0

    def _gold(self, tokens: int, texts: int) -> Tensor:
        """Spans of all types in turn, each with a row of its own."""
        first = torch.arange(0, tokens, _TOKENS_A_SPAN)
        longest = min(_LONGEST_SPAN, self._head.max_span_tokens or _LONGEST_SPAN)
        last = (first + torch.arange(len(first)) % longest).clamp(max=tokens - 1)
        kind = torch.arange(len(first)) % self._head.types
        text = torch.arange(texts).repeat_interleave(len(first))
        spans = torch.stack([kind, first, last], dim=1).repeat(texts, 1)
        return torch.cat([text[:, None], spans], dim=1).to(self.model.device)


class MaskedSubject(Subject):
    """Encoder and the search for hidden tokens.

    Args:
        model: The model.
        rate: Share of tokens that are hidden.
    """

    model: NativeEncoderForMaskedLM

    def __init__(self, model: NativeEncoderForMaskedLM, *, rate: float) -> None:
        super().__init__(model, model.encoder)
        self._rate = rate

    def step(self, tokens: int, texts: int) -> Step:
        """See `Subject`."""
        ids = self._ids(tokens, texts)
        real = torch.ones_like(ids, dtype=torch.bool)
        hidden_tokens = self._hidden(tokens)
        places = torch.arange(hidden_tokens) * tokens // hidden_tokens
        places = (places + tokens * torch.arange(texts)[:, None]).flatten().to(ids.device)
        targets = ids.flatten()[places]

        def forward(run: RunPart) -> Tensor:
            hidden = self.model.encoder(ids, real).last_hidden_state
            logits = run("head", lambda: self.model.token_logits(hidden.flatten(0, 1)[places]))
            return run("loss", lambda: cross_entropy(logits.float(), targets))

        return forward

    def head_flops(self, tokens: int) -> dict[Part, Flops]:
        """See `Subject`."""
        config = self.model.config
        return token_head_flops(config.hidden_size, config.vocab_size, self._hidden(tokens))

    def _hidden(self, tokens: int) -> int:
        return max(1, round(self._rate * tokens))
