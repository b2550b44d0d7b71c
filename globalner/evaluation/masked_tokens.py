"""How many hidden tokens a masked-language model finds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MaskedScore"]


@dataclass(frozen=True)
class MaskedScore:
    """Counts over held-out windows of one length.

    Attributes:
        length: Tokens of a window, special tokens included.
        windows: Number of windows.
        masked: Tokens that were to be found.
        correct: Those whose likeliest token was the right one.
        loss_sum: Sum of the negative logarithms of the right tokens' probabilities.
    """

    length: int
    windows: int
    masked: int
    correct: int
    loss_sum: float

    @property
    def accuracy(self) -> float:
        """Share of correct tokens, 0 where none was to be found."""
        return self.correct / max(1, self.masked)

    @property
    def loss(self) -> float:
        """Mean loss of a token, in nats."""
        return self.loss_sum / max(1, self.masked)

    def to_dict(self) -> dict[str, int | float]:
        """As it stands in metrics.json."""
        rates = {"accuracy": self.accuracy, "loss": self.loss}
        return {**rates, "masked_tokens": self.masked, "windows": self.windows}
