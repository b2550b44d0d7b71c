"""Dotted overrides: how they are read, where they go, and what a change of kind drops."""

from __future__ import annotations

from typing import Any

import pytest

from globalner.config import apply_overrides
from globalner.config.overrides import parse_override
from globalner.errors import ConfigError

NATIVE: dict[str, Any] = {
    "name": "x",
    "model": {"encoder": {"kind": "native", "hidden_size": 8, "dropout": 0.0}},
    "training": {"epochs": 3},
}


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("training.head_learning_rate=1e-4", ("training", "head_learning_rate"), 1e-4),
        ("training.epochs=3", ("training", "epochs"), 3),
        ("data.test=null", ("data", "test"), None),
        ("data.test=", ("data", "test"), None),
        ("a.b=[1, 2.5, x]", ("a", "b"), [1, 2.5, "x"]),
        ("a={b: 1}", ("a",), {"b": 1}),
        ("a.b=c=d", ("a", "b"), "c=d"),
        (" a . b = c ", ("a", "b"), "c"),
        ("name='1'", ("name",), "1"),
    ],
)
def test_values_are_yaml(text: str, path: tuple[str, ...], value: object) -> None:
    override = parse_override(text)
    assert (override.path, override.value) == (path, value)


@pytest.mark.parametrize("text", ["training.epochs", "=3", "a..b=1", ".a=1", ""])
def test_what_is_not_an_override(text: str) -> None:
    with pytest.raises(ConfigError, match=r"not of the form key\.key=value") as caught:
        parse_override(text)
    assert repr(text) in str(caught.value)


def test_a_value_that_is_not_yaml_names_the_override() -> None:
    with pytest.raises(ConfigError, match=r"^override 'a=\[1': not valid YAML"):
        parse_override("a=[1")


def test_the_given_mapping_stays_as_it_is() -> None:
    changed = apply_overrides(NATIVE, ["training.epochs=9", "data.train=a", "training.epochs=10"])
    assert changed["training"]["epochs"] == 10
    assert changed["data"] == {"train": "a"}
    assert NATIVE["training"] == {"epochs": 3}


def test_an_empty_section_can_be_filled() -> None:
    assert apply_overrides({"training": None}, ["training.epochs=1"]) == {"training": {"epochs": 1}}


def test_a_plain_value_has_no_keys() -> None:
    with pytest.raises(ConfigError, match=r"training\.epochs holds the value 3"):
        apply_overrides(NATIVE, ["training.epochs.more=1"])


@pytest.mark.parametrize("reverse", [False, True])
def test_another_kind_drops_keys_of_the_file_but_not_of_overrides(reverse: bool) -> None:
    overrides = ["model.encoder.kind=pretrained", "model.encoder.name=m", "model.encoder.num_layers=2"]
    encoder = apply_overrides(NATIVE, overrides[::-1] if reverse else overrides)["model"]["encoder"]
    assert encoder == {"kind": "pretrained", "name": "m", "num_layers": 2}


@pytest.mark.parametrize("kind", ["native", "unheard-of", "null"])
def test_the_same_or_an_unknown_kind_drops_nothing(kind: str) -> None:
    encoder = apply_overrides(NATIVE, [f"model.encoder.kind={kind}"])["model"]["encoder"]
    assert {"hidden_size", "dropout"} < set(encoder)


def test_another_kind_of_head_keeps_its_keys() -> None:
    mapping = {"model": {"head": {"kind": "global_pointer", "head_size": 32}}}
    changed = apply_overrides(mapping, ["model.head.kind=efficient_global_pointer"])
    assert changed["model"]["head"] == {"kind": "efficient_global_pointer", "head_size": 32}
