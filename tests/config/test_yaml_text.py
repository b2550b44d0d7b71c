"""Recipe YAML: the scalars of YAML 1.2, no key twice, line numbers, and writing that reads back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.config.yaml_text import dump_yaml, parse_yaml
from globalner.errors import ConfigError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("2.5E3", 2500.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-3", -3),
        ("0", 0),
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("no", "no"),
        ("on", "on"),
        ("010", 10.0),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("'1e-4'", "1e-4"),
        ("1e-4x", "1e-4x"),
        ("[1, a]", [1, "a"]),
        ("package:module/path", "package:module/path"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    parsed = parse_yaml(text, source="x").value
    assert parsed == value
    assert type(parsed) is type(value)


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_what_is_written_reads_back(value: object) -> None:
    assert parse_yaml(dump_yaml(value), source="x").value == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1\nc: 2\n", "r.yaml:3: not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", "r.yaml:3: not valid YAML: the key 'a' stands in line 1 already"),
        ("a:\n  b: {c: 1, c: 2}\n", "r.yaml:2: not valid YAML: the key 'c' stands in line 2 already"),
        ("a: 1\n\tb: 2\n", "r.yaml:2: not valid YAML"),
        ("a: 1\nnull: 2\n", "r.yaml:2: not valid YAML: the key null is not text; put it in quotes"),
        ("? [a]\n: 2\n", "r.yaml:1: not valid YAML: this key is not text"),
        ("a: !!python/name:os.system x\n", "r.yaml:1: not valid YAML"),
        ("a: \x00\n", "r.yaml: not valid YAML: unacceptable character #x0000"),
        ("[" * 2000, "r.yaml: not valid YAML: maximum recursion depth exceeded"),
        ("9" * 5000, "r.yaml: not valid YAML"),
        ("--- 1\n--- 2\n", "r.yaml:2: not valid YAML"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, source="r.yaml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_lines_and_places_of_scalars_are_remembered() -> None:
    text = "# first\na:\n  b: 'é'  # comment\n  c: [1, xy]\n"
    parsed = parse_yaml(text, source="x")
    assert parsed.lines[("a", "b")] == 3
    assert parsed.lines[("a", "c", 1)] == 4
    assert text[slice(*parsed.spans[("a", "b")])] == "'é'"
    assert text[slice(*parsed.spans[("a", "c", 1)])] == "xy"


def test_a_mapping_inside_itself_does_no_harm() -> None:
    assert parse_yaml("a: &x {b: *x}\n", source="x").lines[("a", "b")] == 1
