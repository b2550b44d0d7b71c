"""Offsets in code points, UTF-16 units and bytes name the same boundaries of a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.formats.offset_units import OFFSET_UNITS, OffsetUnit, TextOffsets
from globalner.errors import DataError

_TEXTS = st.text(st.characters() | st.sampled_from("aé€𝔸👩\u200d\ufeff\ud800\udfff"), max_size=30)


def _encoded_length(piece: str, unit: OffsetUnit) -> int:
    """The definition: how many units the characters before a boundary take when they are encoded."""
    if unit == "code_point":
        return len(piece)
    if unit == "utf16":  # each by itself: two halves that stand side by side are one character to no Python string
        return sum(len(char.encode("utf-16-le", "surrogatepass")) // 2 for char in piece)
    return len(piece.encode("utf-8", "surrogatepass"))


@given(_TEXTS, st.sampled_from(OFFSET_UNITS))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_every_boundary_is_what_the_encoding_says_and_every_other_offset_is_refused(
    text: str, unit: OffsetUnit
) -> None:
    offsets = TextOffsets(text, unit)
    boundaries = {_encoded_length(text[:index], unit): index for index in range(len(text) + 1)}
    assert [offsets.from_code_point(index) for index in boundaries.values()] == list(boundaries)
    assert offsets.length == _encoded_length(text, unit)
    for offset in range(-1, offsets.length + 2):
        if offset in boundaries:
            assert offsets.to_code_point(offset) == boundaries[offset]
        else:
            with pytest.raises(DataError, match=rf"offset {offset} .*(inside the character|outside the text)"):
                offsets.to_code_point(offset)


@pytest.mark.parametrize(
    ("unit", "offset", "message"),
    [
        ("utf16", 2, r"offset 2 \(utf16\) lies inside the character '🎉' \(U\+1F389\).* UTF-16 units 1 to 2"),
        ("byte", 3, r"inside the character '🎉' .* UTF-8 bytes 1 to 4"),
        ("byte", 7, r"outside the text, which has 6 UTF-8 bytes \(byte\)"),
        ("code_point", 10**30, r"outside the text, which has 3 code points"),
    ],
)
def test_the_message_says_where_an_offset_lies(unit: OffsetUnit, offset: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        TextOffsets("a🎉b", unit).to_code_point(offset)
