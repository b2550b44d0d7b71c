"""What the posts and papers say is better than what, and whether the rows show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.encoder_cases import SIZES, Size
from benchmarks.encoder_rows import best_by_dev, by_seed
from benchmarks.encoder_runs import GAIN_SETS, SCRATCH
from benchmarks.paired_interval import paired_difference

__all__ = ["CLAIMS", "COLUMNS", "Claim", "claim_lines"]

COLUMNS = ("what is said", "source", "size", "on", "difference", "shown here")

Row = Mapping[str, str]


@dataclass(frozen=True)
class Claim:
    """A direction.

    Attributes:
        text: In words.
        source: Number of a post on kexue.fm, or of a paper on arXiv.
        group: Where it is measured.
        better: The variant that is said to be better.
        than: The other one.
        lengths: At which lengths; empty where a value has none.
    """

    text: str
    source: str
    group: str
    better: str
    than: str
    lengths: tuple[int, ...] = ()


_TRAINED, _LONGER = (128,), (256, 512, 1024)

CLAIMS = (
    Claim(
        "the entropy-invariant scale holds better at longer texts than the plain one",
        "8823",
        "mlm",
        "roformer-entropy",
        "roformer",
        _LONGER,
    ),
    Claim(
        "in a gated unit softmax plus holds better at longer texts than softmax",
        "9019",
        "mlm",
        "gau-softmax-plus",
        "gau-softmax",
        _LONGER,
    ),
    Claim(
        "in a gated unit softmax plus holds better at longer texts than relu squared",
        "9019",
        "mlm",
        "gau-softmax-plus",
        "gau-relu-squared",
        _LONGER,
    ),
    Claim(
        "gated units are better than attention and feed-forward of their size",
        "8934",
        "mlm",
        "gau-softmax-plus",
        "roformer",
        _TRAINED,
    ),
    Claim("softmax is better than linear attention", "8338", "mlm", "roformer", "linear-exp", _TRAINED),
    Claim("linear attention with e^x is better than Performer", "8338", "mlm", "linear-exp", "performer", _TRAINED),
    Claim(
        "a bias of queries and keys helps a causal model at longer texts",
        "9577",
        "extrapolation",
        "query-key-bias",
        "no-bias",
        _LONGER,
    ),
    Claim("a decoder that sees both ways finds more entities", "2310.01208", "decoder", "bidirectional", "causal"),
    Claim("one that sees each way with half of its heads does", "9529", "decoder", "half", "causal"),
    *(
        Claim(f"pretraining helps ({how_long})", "", "pretraining-gain", how_long, SCRATCH)
        for how_long in dict.fromkeys(name for size in SIZES.values() for name in size.masked)
    ),
)


def claim_lines(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    """A line of text cells for each claim, size and length of which both sides were measured; differences in points."""
    for claim in CLAIMS:
        for size in SIZES.values():
            for where, better, than in _sides(rows, claim, size):
                difference = paired_difference(*(_per_cent(side) for side in (better, than)))
                if difference is not None:
                    yield claim.text, claim.source, size.name, where, str(difference), difference.verdict


def _sides(rows: Sequence[Row], claim: Claim, size: Size) -> Iterator[tuple[str, dict[int, float], dict[int, float]]]:
    """Where a claim is measured, and the values of both of its sides by seed."""
    if claim.group == "pretraining-gain":
        best = best_by_dev(rows, size)
        for data in GAIN_SETS:
            yield data, best.get((claim.better, data), {}), best.get((claim.than, data), {})
        return
    found = by_seed(rows, claim.group, size, "accuracy" if claim.lengths else "f1")
    for name in sorted({name for _, name, _ in found}):
        for length in map(str, claim.lengths or ("",)):
            better, than = (found.get((variant, name, length), {}) for variant in (claim.better, claim.than))
            yield f"{name}, {length} tokens" if length else name, better, than


def _per_cent(values: Mapping[int, float]) -> dict[int, float]:
    return {seed: 100 * value for seed, value in values.items()}
