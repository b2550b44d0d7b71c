"""What the span loss is to reach, and the table that says whether it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.measured_rows import p50

__all__ = ["COLUMNS", "GOALS", "Goal", "goal_lines"]

COLUMNS = ("case", "what", "published", "ours", "ratio", "goal", "reached")

Metric = Literal["time", "memory", "share"]


@dataclass(frozen=True)
class Goal:
    """A figure to reach, or to report where it has no bound.

    Attributes:
        title: The case in words.
        metric: What is looked at.
        case: The case whose row of ours counts.
        baseline: Implementation that ours is divided by; None compares with no other.
        grows_from: The case from which ours grows to `case`; None where growth is not the question.
        at_least: Lowest ratio of the baseline to ours.
        at_most: Highest growth, or without `grows_from` the highest value of ours itself.
        ours: Implementation that is ours here; None for the one that the table is made for.
    """

    title: str
    metric: Metric
    case: str
    baseline: str | None = None
    grows_from: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    ours: str | None = None


def _against(
    title: str, case: str, time: float | None, memory: float | None, baseline: str = "published"
) -> list[Goal]:
    return [
        Goal(title, "time", case, baseline, at_least=time),
        Goal(title, "memory", case, baseline, at_least=memory),
    ]


def _step(title: str, case: str) -> list[Goal]:
    metrics: tuple[Metric, ...] = ("time", "memory")
    return [Goal(f"training step, {title}", metric, case, "published", ours="auto") for metric in metrics]


GOALS = (
    *_against("GlobalPointer, B 8, C 10, L 512", "loss-512", 14, 16),
    *_against("GlobalPointer, B 2, C 20, L 1024", "loss-1024", 18, 35),
    Goal("Efficient, B 4, L 512, C 10 to 1000", "time", "types-1000", grows_from="types-10", at_most=10),
    Goal("Efficient, B 1, L 512, C 10000", "memory", "types-10000", at_most=1024),
    Goal("GlobalPointer head and loss, B 1, C 50, L 8192", "memory", "head-8192", at_most=1536),
    *_against("GlobalPointer head and loss, B 8, C 10, L 512", "head-512", None, None),
    *_against("find_spans, B 8, C 10, L 512, 3 spans a text", "search-512", 3, 8, baseline="dense"),
    Goal("GlobalPointer, B 1, C 10, L 1024 to 4096", "time", "length-4096", grows_from="length-1024", at_most=16),
    Goal("GlobalPointer, B 1, C 10, L 1024 to 4096", "memory", "length-4096", grows_from="length-1024", at_most=4.5),
    *_against("GPU, bf16, GlobalPointer, B 16, C 50, L 1024", "cuda-loss-1024", 4, 20),
    Goal("GPU, share of the matrix-product ceiling", "share", "cuda-loss-1024"),
    *_step("CoNLL-2003", "step-conll2003"),
    *_step("Efficient, 200 types, 1024 tokens", "step-200-types-efficient"),
    *_step("GlobalPointer, 200 types, 1024 tokens", "step-200-types-full"),
)


def goal_lines(rows: Sequence[Mapping[str, str]], ours: str | None = None) -> Iterator[tuple[str, ...]]:
    """A line of text cells for each goal of which everything was measured.

    Args:
        rows: Rows of the results file.
        ours: Our implementation; None for "tiled", on a GPU "triton".
    """
    for goal in GOALS:
        name = goal.ours or ours or ("triton" if goal.case.startswith("cuda") else "tiled")
        reached = p50(rows, goal.case, name, goal.metric)
        other = _compared_with(rows, goal, name)
        if reached is not None and (other is not None or not (goal.baseline or goal.grows_from)):
            yield _line(goal, reached, other)


def _compared_with(rows: Sequence[Mapping[str, str]], goal: Goal, ours: str) -> float | None:
    if goal.grows_from is not None:
        return p50(rows, goal.grows_from, ours, goal.metric)
    return None if goal.baseline is None else p50(rows, goal.case, goal.baseline, goal.metric)


def _line(goal: Goal, ours: float, other: float | None) -> tuple[str, ...]:
    shown, published, value = _shown(ours, goal.metric), "", ours
    if goal.grows_from is not None and other is not None:
        shown, value = f"{_shown(other, goal.metric)} to {shown}", ours / other
    elif other is not None:
        published, value = _shown(other, goal.metric), other / max(ours, 1e-9)
    ratio = "" if other is None else f"{value:.1f}"
    return goal.title, goal.metric, published, shown, ratio, *_verdict(goal, value, other is None)


def _verdict(goal: Goal, value: float, absolute: bool) -> tuple[str, str]:
    if goal.at_least is not None:
        return f"at least {goal.at_least:g}", "yes" if value >= goal.at_least else "no"
    if goal.at_most is None:
        return "", ""
    bound = _shown(goal.at_most, goal.metric) if absolute else f"{goal.at_most:g}"
    return f"at most {bound}", "yes" if value <= goal.at_most else "no"


def _shown(value: float, metric: Metric) -> str:
    unit = {"time": "ms", "memory": "MiB", "share": "%"}[metric]
    return f"{value:,.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"
