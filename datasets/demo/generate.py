"""Writes the demo set (train, dev, test) from the two grammars beside this file; standard library only.

A grammar is a TOML file with ``[rules]``, ``[templates]`` (sentences with entities), ``[plain_templates]`` (sentences
without) and ``[train_only]`` (label -> rules whose plain words belong to train). Its patterns have a small markup:

    {city}               one alternative of the rule ``city``; a rule is a list of patterns separated by ``|``
    {said|wrote|}        one of these patterns, all equally likely
    {1..31}  {01..12}    a whole number between both, ends included; a leading zero asks for zero-padding
    [ORG ...]            an entity; entities may hold entities: [ORG University of [LOCATION {city_name}]]
    [-STEM ...]          not an entity, but kept apart between the parts like one

Each pair of label and string belongs to exactly one part, decided by a hash. Whatever stands between square brackets is
drawn again until its string belongs to the part being written, so the parts share no entity string of any type.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

HERE = Path(__file__).resolve().parent
LANGUAGES = {"en": "english.toml", "zh": "chinese.toml"}
SIZES = {"train": 4000, "dev": 400, "test": 800}
DEFAULT_SEED = 0
PLAIN_SHARE = 0.17
UNSEEN_TEMPLATE_SHARE = 0.32
UNSEEN_SENTENCE_SHARE = 0.5
TRAIN_STRING_SHARE, DEV_STRING_SHARE = 0.65, 0.10
MAX_DRAWS = 200

_LITERAL = re.compile(r"[^\[\]{}|]+")
_LABEL = re.compile(r"\[(-?)([A-Z]+) ")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")

Item = TypeVar("Item")


@dataclass(frozen=True)
class Slot:
    """Stands for a rule."""

    rule: str


@dataclass(frozen=True)
class Choice:
    """Stands for one of several patterns, all equally likely."""

    alternatives: tuple[Nodes, ...]


@dataclass(frozen=True)
class Group:
    """A bracketed stretch: an entity or, if not annotated, a string that is only kept apart between the parts."""

    label: str
    body: Nodes
    annotated: bool


Node = str | Slot | Choice | Group
Nodes = tuple[Node, ...]
Span = tuple[int, int, str]  # start (inclusive), end (exclusive), label


@dataclass(frozen=True)
class Phrase:
    """A piece of text and its entities; offsets count from the start of the piece."""

    text: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Template:
    """One sentence pattern; ``plain`` ones hold no entity, ``unseen`` ones occur in the test part only."""

    name: str
    language: str
    pattern: str
    plain: bool
    unseen: bool


@cache
def parse(pattern: str) -> Nodes:
    """Reads the markup of the module docstring; a ValueError shows a bracket, brace or bar out of place."""
    return _sequence(pattern, 0, "")[0]


def _sequence(pattern: str, position: int, stops: str) -> tuple[Nodes, int]:
    nodes: list[Node] = []
    while position < len(pattern) and pattern[position] not in stops:
        label, literal = _LABEL.match(pattern, position), _LITERAL.match(pattern, position)
        if pattern[position] == "{":
            node, position = _braces(pattern, position + 1)
            nodes.append(node)
        elif label:
            body, position = _sequence(pattern, label.end(), "]")
            nodes.append(Group(label[2], body, annotated=not label[1]))
            position += 1
        elif literal:
            nodes.append(literal[0])
            position = literal.end()
        else:
            raise ValueError(f"{pattern[position]!r} may not stand at character {position} of {pattern!r}")
    if stops and position >= len(pattern):
        raise ValueError(f"{pattern!r} lacks one of {stops!r} at its end")
    return tuple(nodes), position


def _braces(pattern: str, position: int) -> tuple[Node, int]:
    alternatives: list[Nodes] = []
    while not alternatives or pattern[position - 1] == "|":
        nodes, position = _sequence(pattern, position, "|}")
        alternatives.append(nodes)
        position += 1
    content = alternatives[0][0] if len(alternatives) == 1 and len(alternatives[0]) == 1 else None
    if not isinstance(content, str):
        return Choice(tuple(alternatives)), position
    bounds = _RANGE.fullmatch(content)
    if bounds is None:
        return Slot(content), position
    width = len(bounds[1]) if bounds[1].startswith("0") else 1
    return Choice(tuple((f"{n:0{width}d}",) for n in range(int(bounds[1]), int(bounds[2]) + 1))), position


def part_of(label: str, text: str, seed: int) -> str:
    """The one part in which ``text`` may occur as ``label``; upper and lower case count as the same string."""
    digest = hashlib.sha256(f"{seed}|{label}|{text.casefold()}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    if share < TRAIN_STRING_SHARE:
        return "train"
    return "dev" if share < TRAIN_STRING_SHARE + DEV_STRING_SHARE else "test"


@dataclass(frozen=True)
class Grammar:
    """The rules and templates of a language, and the strings of a label that belong to train whatever their hash."""

    rules: dict[str, Choice]
    templates: tuple[Template, ...]
    train_only: dict[str, frozenset[str]]


@dataclass(frozen=True)
class Expander:
    """Turns patterns into phrases for one part.

    Only ``rng.random()`` is called: its sequence for a seed is the one that Python promises to keep between versions.
    """

    grammar: Grammar
    part: str
    seed: int
    rng: random.Random

    def expand(self, nodes: Nodes) -> Phrase:
        """Draws one phrase; a LookupError says that ``MAX_DRAWS`` draws of a group gave no string of this part."""
        text, spans = "", list[Span]()
        for node in nodes:
            phrase = self._draw(node)
            spans += ((len(text) + start, len(text) + end, label) for start, end, label in phrase.spans)
            text += phrase.text
        return Phrase(text, tuple(spans))

    def _draw(self, node: Node) -> Phrase:
        if isinstance(node, str):
            return Phrase(node)
        if isinstance(node, Group):
            return self._draw_group(node)
        if isinstance(node, Choice):
            return self.expand(node.alternatives[int(self.rng.random() * len(node.alternatives))])
        return self._draw(self.grammar.rules[node.rule])

    def _draw_group(self, group: Group) -> Phrase:
        for _ in range(MAX_DRAWS):
            phrase = self.expand(group.body)
            pinned = phrase.text in self.grammar.train_only.get(group.label, ())
            if self.part == ("train" if pinned else part_of(group.label, phrase.text, self.seed)):
                outer = ((0, len(phrase.text), group.label),) if group.annotated else ()
                return Phrase(phrase.text, outer + phrase.spans)
        raise LookupError(f"no {group.label} for the {self.part} part among {MAX_DRAWS} draws of {group.body}")


def shuffled(items: Sequence[Item], rng: random.Random) -> list[Item]:
    """The items in a random order."""
    return sorted(items, key=lambda _: rng.random())


def read_grammar(language: str, seed: int) -> Grammar:
    """The grammar of a language; which of its templates are kept for the test part is drawn with the seed."""
    with (HERE / LANGUAGES[language]).open("rb") as file:
        content: dict[str, Any] = tomllib.load(file)
    rules: dict[str, Choice] = {}
    for name, text in content["rules"].items():
        (node,) = parse("{" + text.strip().replace("|\n", "|") + "}")
        rules[name] = node if isinstance(node, Choice) else Choice(((node,),))
    templates = []
    for section in ("templates", "plain_templates"):
        patterns: dict[str, str] = content[section]
        order = shuffled(list(patterns), random.Random(f"{seed}|{language}|{section}"))
        unseen = set(order[: round(UNSEEN_TEMPLATE_SHARE * len(order))])
        for name, pattern in patterns.items():
            templates.append(Template(name, language, pattern, section == "plain_templates", name in unseen))
    train_only = {
        label: frozenset(str(words[0]) for name in names for words in rules[name].alternatives if len(words) == 1)
        for label, names in content["train_only"].items()
    }
    return Grammar(rules, tuple(templates), train_only)


def schedule(templates: Sequence[Template], part: str, rng: random.Random) -> list[Template]:
    """The template of each sentence of a part: fixed shares, and within a share every template equally often."""
    size = SIZES[part]
    unseen_size = round(size * UNSEEN_SENTENCE_SHARE) if part == "test" else 0
    chosen: list[Template] = []
    for language in LANGUAGES:
        for unseen, sentences in ((False, size - unseen_size), (True, unseen_size)):
            plain_sentences = round(sentences / len(LANGUAGES) * PLAIN_SHARE)
            for plain, count in ((False, sentences // len(LANGUAGES) - plain_sentences), (True, plain_sentences)):
                pool = [t for t in templates if (t.language, t.unseen, t.plain) == (language, unseen, plain)]
                order = shuffled(pool, rng)
                chosen += (order[index % len(order)] for index in range(count))
    return shuffled(chosen, rng)


def write_sentence(template: Template, expander: Expander, written: set[str]) -> Phrase:
    """A sentence that is not among ``written`` (it is added there) and names nothing twice.

    Raises:
        ValueError: If ``MAX_DRAWS`` draws gave no such sentence.
    """
    for _ in range(MAX_DRAWS):
        try:
            phrase = expander.expand(parse(template.pattern))
        except LookupError:  # a rule with few strings may have none for a small part; another alternative has
            continue
        names = [(label, phrase.text[start:end]) for start, end, label in phrase.spans]
        if phrase.text not in written and len(names) == len(set(names)):
            written.add(phrase.text)
            return phrase
    raise ValueError(f"template {template.name} gives no new sentence for the {expander.part} part: widen its rules")


def record(phrase: Phrase, identifier: str, template: Template) -> dict[str, Any]:
    """A line of the native form; entities by start, the outer before the inner, as they were drawn."""
    return {
        "id": identifier,
        "text": phrase.text,
        "entities": [{"start": start, "end": end, "label": label} for start, end, label in phrase.spans],
        "meta": {"template": template.name, "unseen_template": template.unseen, "language": template.language},
    }


def generate(seed: int = DEFAULT_SEED) -> dict[str, list[dict[str, Any]]]:
    """All parts, each a list of records; the same seed gives the same records."""
    grammars = {language: read_grammar(language, seed) for language in LANGUAGES}
    templates = [template for grammar in grammars.values() for template in grammar.templates]
    written: set[str] = set()
    parts: dict[str, list[dict[str, Any]]] = {}
    for part in SIZES:
        rng = random.Random(f"{seed}|{part}")
        expanders = {language: Expander(grammar, part, seed, rng) for language, grammar in grammars.items()}
        parts[part] = []
        for number, template in enumerate(schedule(templates, part, rng), start=1):
            phrase = write_sentence(template, expanders[template.language], written)
            parts[part].append(record(phrase, f"demo-{part}-{number:04d}", template))
    return parts


def main() -> None:
    """Writes train.jsonl, dev.jsonl and test.jsonl."""
    parser = argparse.ArgumentParser(description="Write the demo set: train.jsonl, dev.jsonl, test.jsonl.")
    parser.add_argument(
        "--output-dir", type=Path, default=HERE, help="folder for the files (default: beside this file)"
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another seed gives another set (default: 0)")
    arguments = parser.parse_args()
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    for part, records in generate(arguments.seed).items():
        path: Path = arguments.output_dir / f"{part}.jsonl"
        lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in records)
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
        print(f"{path}: {len(records)} sentences, {sum(len(line['entities']) for line in records)} entities")


if __name__ == "__main__":
    main()
