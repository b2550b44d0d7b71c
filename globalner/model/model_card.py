"""The model card: README.md of a model folder, which people read and model hubs take their index from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from globalner import __version__
from globalner.config.yaml_text import dump_yaml
from globalner.evaluation import EvaluationResult, SpanScore
from globalner.model.config import DEFAULT_THRESHOLD, GlobalPointerConfig
from globalner.model.training_record import TrainingRecord

__all__ = ["CARD_FILE", "render_model_card", "write_model_card"]

CARD_FILE = "README.md"

_TAGS = ["globalner", "named-entity-recognition", "ner", "global-pointer"]
_METRICS = ["precision", "recall", "f1"]
_LIBRARIES = ("torch", "transformers", "tokenizers")
_ENCODER_SHAPE = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size")
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|~#$&]")
_CUTS = {
    "split": "between letters, numbers and other characters",
    "characters": "around each character",
}
_USE = """\
```python
from globalner import EntityExtractor

extractor = EntityExtractor.from_pretrained("MODEL")
for entity in extractor("Some text.").entities:
    print(entity.label, entity.text, entity.start, entity.end, entity.score)
```

```bash
globalner predict MODEL --text "Some text."
```

`MODEL` is the folder of this file, or the name under which it lies on a model hub."""


def write_model_card(folder: Path, record: TrainingRecord | None = None) -> None:
    """Writes the card of a saved model anew, whole or not at all.

    Args:
        folder: A model folder, from whose configuration labels and shape are taken.
        record: What is known of the training.
    """
    config = GlobalPointerConfig.from_pretrained(str(folder))
    fresh = folder / f"{CARD_FILE}.new"
    fresh.write_text(render_model_card(config, record), encoding="utf-8")
    fresh.replace(folder / CARD_FILE)


def render_model_card(config: GlobalPointerConfig, record: TrainingRecord | None = None) -> str:
    """The card: metadata for model hubs in front, then Markdown.

    Args:
        config: Labels and shape.
        record: What is known of the training; without it the card has labels, shape, use and versions.
    """
    title = _escaped(record.name) if record else "A model for named entities"
    count = len(config.label_set)
    sections = [
        f"---\n{dump_yaml(_metadata(record))}---",
        f"# {title}",
        f"Finds named entities of {count} {'type' if count == 1 else 'types'} in text, nested or flat. A model of "
        "globalner: an encoder and a head that scores every span.",
        "## Labels",
        _labels(config),
        "## Use",
        _USE,
    ]
    if record is not None:
        sections += _training_sections(record)
    versions = [("globalner", __version__), *((name, version(name)) for name in _LIBRARIES)]
    sections += ["## Shape", _table(("", ""), _shape(config)), "## Versions", _table(("library", "version"), versions)]
    return "\n\n".join(sections) + "\n"


def _metadata(record: TrainingRecord | None) -> dict[str, object]:
    metadata: dict[str, object] = {
        "library_name": "globalner",
        "pipeline_tag": "token-classification",
        "tags": _TAGS,
        "metrics": _METRICS,
    }
    if record is not None and record.results:
        scored = [_index_entry(record.name, result) for result in record.results]
        metadata["model-index"] = [{"name": record.name, "results": scored}]
    return metadata


def _index_entry(name: str, result: EvaluationResult) -> dict[str, object]:
    averages = {"micro": result.micro, "macro": result.macro}
    return {
        "task": {"type": "token-classification", "name": "Named-entity recognition"},
        "dataset": {"type": name, "name": name, "split": result.split},
        "metrics": [
            {"type": kind, "value": round(getattr(score, kind), 6), "name": f"{average} {kind} ({result.mode})"}
            for average, score in averages.items()
            for kind in _METRICS
        ],
    }


def _training_sections(record: TrainingRecord) -> list[str]:
    sections = []
    for result in record.results:
        # A rate by itself says little: of which documents it is, and how spans became entities, stands with it.
        heading = f"## Scores on {_escaped(result.split)}"
        sections += [heading, f"{result.documents:,} documents, {_escaped(result.mode)} decoding.", _scores(result)]
    rows = [(part.split, _escaped(part.file), f"{part.documents:,}", f"{part.entities:,}") for part in record.parts]
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", record.recipe)), default=0))
    sections += ["## Data", _table(("part", "file", "documents", "entities"), rows)]
    return [*sections, "## Recipe", f"{fence}yaml\n{record.recipe}{fence}"]


def _scores(result: EvaluationResult) -> str:
    named = [(_escaped(label), score) for label, score in result.types.items()]
    rows = [
        _score_row(name, score) for name, score in (*named, ("**micro**", result.micro), ("**macro**", result.macro))
    ]
    return _table(("type", "precision", "recall", "F1", "support"), rows)


def _score_row(name: str, score: SpanScore) -> tuple[str, ...]:
    return name, f"{score.precision:.4f}", f"{score.recall:.4f}", f"{score.f1:.4f}", f"{score.support:,}"


def _labels(config: GlobalPointerConfig) -> str:
    thresholds = config.thresholds or {}
    rows = [(_escaped(label), f"{thresholds.get(label, DEFAULT_THRESHOLD):g}") for label in config.label_set]
    return _table(("label", "score above which a span counts"), rows)


def _shape(config: GlobalPointerConfig) -> Iterable[tuple[str, str]]:
    encoder = config.encoder or {}
    yield "encoder", _escaped(str(encoder.get("model_type")))
    yield from ((_escaped(name), str(encoder[name])) for name in _ENCODER_SHAPE if name in encoder)
    if config.attention is not None:
        yield "attention of the encoder", _escaped(config.attention)
    yield "head", _escaped(f"{config.head_kind}, head_size {config.head_size}, rotary {str(config.rotary).lower()}")
    yield "window", f"{config.window_tokens} tokens, {config.overlap_tokens} of them shared with the next"
    other = "entities may lie in each other" if config.mode == "nested" else "the best set without overlap"
    yield "mode, unless a call says otherwise", f"{config.mode}: {other}"
    yield "entities start and end at", "words" if config.boundary == "word" else "any token"
    if config.alignment in _CUTS:
        yield "tokens are cut", _CUTS[config.alignment]
    yield "longest entity", "no limit" if config.max_span_tokens is None else f"{config.max_span_tokens} tokens"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows))


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line; what cannot be printed stands as in a Python string."""
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return _MARKDOWN.sub(r"\\\g<0>", printable)
