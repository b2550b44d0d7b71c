from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner_service.offsets import from_code_points, to_code_points

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(max_examples=100, deadline=None)
@given(text=texts, data=st.data(), unit=st.sampled_from(["code_point", "utf16", "byte"]))
def test_offsets_slice_the_same_stretch_in_every_unit(text, data, unit):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    ((begin, stop),) = from_code_points(text, [(start, end)], unit)
    whole = {"code_point": text, "utf16": text.encode("utf-16-le"), "byte": text.encode()}[unit]
    width = 2 if unit == "utf16" else 1
    piece = whole[begin * width : stop * width]
    decoded = piece if isinstance(piece, str) else piece.decode("utf-16-le" if unit == "utf16" else "utf-8")
    assert decoded == text[start:end]
    assert to_code_points(text, [(begin, stop)], unit) == [(start, end)]


@pytest.mark.parametrize(
    ("unit", "offset"), [("code_point", 3), ("utf16", 1), ("utf16", 4), ("byte", 2), ("byte", 6), ("byte", -1)]
)
def test_offset_that_is_no_boundary_is_refused(unit, offset):
    with pytest.raises(ValueError, match=f"offset {offset} "):
        to_code_points("🎉a", [(0, offset)], unit)
