from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalner.data import PackedText, TextTokenizer, TokenStream, token_stream
from globalner.encoders import build_character_tokenizer
from globalner.errors import DataError

TOKENIZER = build_character_tokenizer(["abc 北京"])
CLS, SEP = TOKENIZER.cls_token_id, TOKENIZER.sep_token_id


def stream_of(*records: str) -> TokenStream:
    return token_stream(records, TextTokenizer(TOKENIZER.backend_tokenizer))


def text_of(ids: np.ndarray) -> list[str]:
    return TOKENIZER.convert_ids_to_tokens(ids.tolist())


def test_records_stand_one_behind_another() -> None:
    stream = stream_of("ab c", "北京")
    assert text_of(stream.ids) == ["a", "b", " ", "c", "[SEP]", "北", "京", "[SEP]"]
    assert stream.word_starts.tolist() == [True, False, True, True, True, True, True, True]


def test_text_that_looks_like_a_special_token_is_none() -> None:
    assert TOKENIZER.mask_token_id not in stream_of("[MASK][SEP]").ids[:-1]


def test_many_records_are_tokenized_as_few_are() -> None:
    records = ["ab c", "北京"] * 1200
    assert np.array_equal(stream_of(*records).ids, np.concatenate([stream_of("ab c", "北京").ids] * 1200))


def test_short_records_share_a_window_and_long_ones_go_on() -> None:
    text = PackedText(stream_of("abc", "ab", "abcabc"), 7)
    rows = text.rows([0, 1, 2])
    assert [text_of(row) for row in rows.ids] == [
        ["[CLS]", "a", "b", "c", "[SEP]", "a", "[SEP]"],
        ["[CLS]", "b", "[SEP]", "a", "b", "c", "[SEP]"],
        ["[CLS]", "a", "b", "c", "[SEP]", "[SEP]", "[PAD]"],
    ]
    assert text.lengths.tolist() == [7, 7, 6]
    assert rows.attended.sum(axis=1).tolist() == [7, 7, 6]
    assert rows.word_starts[1].tolist() == [True, True, True, True, False, False, True]
    assert len(PackedText(stream_of("abc", "ab", "abcabc"), 7, whole=True)) == 2


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8), window=st.integers(3, 20), whole=st.booleans())
def test_windows_hold_the_stream_and_nothing_else(lengths: list[int], window: int, whole: bool) -> None:
    stream = stream_of(*("abc"[:1] * length for length in lengths))
    if whole and len(stream) < window - 2:
        with pytest.raises(DataError, match=f"fill no window of {window}"):
            PackedText(stream, window, whole=True)
        return
    text = PackedText(stream, window, whole=whole)
    rows = text.rows(range(len(text)))
    bodies = [row[1 : length - 1] for row, length in zip(rows.ids, text.lengths, strict=True)]
    kept = len(stream) // (window - 2) * (window - 2) if whole else len(stream)
    assert np.array_equal(np.concatenate(bodies), stream.ids[:kept])
    assert (rows.ids[:, 0] == CLS).all()
    assert all(row[length - 1] == SEP for row, length in zip(rows.ids, text.lengths, strict=True))
    assert not whole or set(text.lengths.tolist()) == {window}
    assert np.array_equal(rows.attended.sum(axis=1), text.lengths)


def test_rows_do_not_depend_on_their_company() -> None:
    text = PackedText(stream_of("abcabcabc", "ab 北京"), 6)
    together = text.rows(range(len(text)))
    for number, length in enumerate(text.lengths):
        alone = text.rows([number])
        assert np.array_equal(alone.ids[0], together.ids[number, :length])
        assert np.array_equal(alone.word_starts[0], together.word_starts[number, :length])


def test_windows_are_taken_evenly_from_first_to_last_and_hold_the_tokens_asked_for() -> None:
    text = PackedText(stream_of("a" * 49), 7)  # 50 tokens with the last [SEP], 5 of them a window
    assert text.evenly(None).tolist() == list(range(10))
    assert text.evenly(28).tolist() == [0, 3, 6, 9]
    assert text.evenly(29).tolist() == [0, 2, 4, 7, 9], "a window that is begun counts"
    assert text.evenly(7000).tolist() == list(range(10))


def test_a_window_without_room_for_text_is_an_error() -> None:
    with pytest.raises(DataError, match="a window of 2 tokens has no room"):
        PackedText(stream_of("ab"), 2)
