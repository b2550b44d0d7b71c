"""Any JSON in the forms of other tools: documents, or errors that say what is wrong; nothing else is raised."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data import read_documents
from globalner.errors import DataError

KEYS = {
    "doccano": ("id", "text", "data", "label", "entities", "start_offset", "end_offset", "relations", "meta"),
    "label-studio": (
        *("id", "data", "text", "annotations", "completions", "predictions", "result", "type", "value", "from_name"),
        *("start", "end", "labels", "label", "score", "was_cancelled"),
    ),
    "spacy-json": ("id", "paragraphs", "raw", "sentences", "tokens", "orth", "ner", "cats"),
    "spacy-offsets": ("entities", "spans", "sc", "annotations", "classes"),
    "json-tags": ("id", "text", "tokens", "tags", "labels", "meta"),
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 12)
    | st.just(10**30)
    | st.floats(0, 2)
    | st.sampled_from(["Ada met Bob", "Ada", "", "O", "B-PER", "U-PER", "L-", "labels", "b x", "💩"])
)


def _values(keys: tuple[str, ...]) -> st.SearchStrategy[object]:
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(keys), inner, max_size=5),
        max_leaves=16,
    )


def _read(content: bytes, form: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(content)
        errors: list[DataError] = []
        try:
            for document in read_documents(path, form).readable(errors):
                assert all(document.text[e.start : e.end] == e.text for e in document.entities)
        except DataError as error:
            errors.append(error)
        assert all(error.path == str(path) for error in errors), errors


@pytest.mark.parametrize("form", KEYS)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_any_values(form: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(_values(KEYS[form]), min_size=1, max_size=3))
    in_array = data.draw(st.booleans())
    lines = [json.dumps(value) for value in values]
    _read(("[" + ",\n".join(lines) + "]" if in_array else "\n".join(lines)).encode(), form)


@pytest.mark.parametrize("form", KEYS)
@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=40) | st.text(string.printable + "é\ufeff\u2028", max_size=40).map(str.encode))
def test_any_bytes(form: str, content: bytes) -> None:
    _read(content or b" ", form)
