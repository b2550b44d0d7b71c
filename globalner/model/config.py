"""What is saved with a model besides its weights."""

from __future__ import annotations

from typing import Any, Literal

from transformers import PreTrainedConfig

from globalner.types import LabelSet

__all__ = ["DEFAULT_THRESHOLD", "GlobalPointerConfig"]

DEFAULT_THRESHOLD = 0.5
"""Score above which a span of a label without a threshold of its own counts."""


class GlobalPointerConfig(PreTrainedConfig):
    """Shape, labels and reading rules of a `GlobalPointerModel`.

    Attributes:
        encoder: What the encoder's own configuration gives as `to_dict()`.
        attention: What each token of a decoder-only encoder sees, as `steer_attention` has it; None for its own.
        labels: Entity types; the position is the index `c` in the scores.
        head_kind: "efficient_global_pointer" or "global_pointer".
        head_size: D, width of a head.
        rotary: Whether the head rotates positions in.
        dropout: Share of the head's input dropped in training.
        initial_logit: What the scores of an Efficient GlobalPointer start training with.
        boundary: "word" or "token": where entities may start and end.
        alignment: What is done about entities with an edge inside a token; "split" and "characters" cut the tokens of
            every text that the model reads.
        mode: "nested" or "flat": how spans become entities unless a call says otherwise.
        window_tokens: Tokens of a window, special tokens included.
        overlap_tokens: Tokens that neighbouring windows share, at least.
        context: Which neighbouring texts stand around a text that leaves room in its window: "none", or "document",
            those of its own document.
        context_tokens: Most of their tokens on each side.
        max_span_tokens: Longest entity in tokens; None for no limit.
        thresholds: Score above which a span of a label counts, by label; labels that are not there use 0.5.
    """

    model_type = "globalner"

    encoder: dict[str, Any] | None = None
    attention: str | None = None
    labels: list[str] | None = None
    head_kind: str = "efficient_global_pointer"
    head_size: int = 64
    rotary: bool = True
    dropout: float = 0.0
    initial_logit: float = 0.0
    boundary: Literal["word", "token"] = "word"
    alignment: Literal["report", "expand", "split", "characters"] = "report"
    mode: Literal["nested", "flat"] = "nested"
    window_tokens: int = 256
    overlap_tokens: int = 64
    context: Literal["none", "document"] = "none"
    context_tokens: int = 0
    max_span_tokens: int | None = None
    thresholds: dict[str, float] | None = None

    @property
    def label_set(self) -> LabelSet:
        """The labels as a `LabelSet`."""
        return LabelSet(tuple(self.labels or ()))
