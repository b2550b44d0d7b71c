"""Every format reads back what it wrote, of everything that it says it carries."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from globalner.data import read_documents, write_documents
from globalner.data.formats import FORMATS
from globalner.types import Document, Entity

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("Aa 北\n\u0301👩\u200d<{&"), max_size=25)
_LABELS = st.sampled_from(["PER", "creative-work", "cell_type", "場所"])


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    text = draw(_TEXTS)
    edges = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    spans = draw(st.lists(st.tuples(edges, _LABELS), max_size=5)) if text else []
    scores = st.none() | st.sampled_from([0.5, 0.987654])
    return Document(text, tuple(Entity(start, end, label, "", draw(scores)) for (start, end), label in spans))


@pytest.mark.parametrize("name", FORMATS)
@settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(_documents(), min_size=1, max_size=4))
def test_what_a_format_carries_is_read_back(
    documents: list[Document],
    name: str,
    as_carried: Callable[[Document, str, int], Document | None],
    differences: Callable[..., list[Any]],
    how_to_write: dict[str, object],
) -> None:
    carried = [as_carried(document, name, number) for number, document in enumerate(documents)]
    written = [document for document in carried if document is not None]
    if not written:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"data{(*FORMATS[name].suffixes, '')[0]}"
        write_documents(written, path, name, options=how_to_write.get(name))
        assert differences(written, read_documents(path, name, options=how_to_write.get(name)), name) == []
