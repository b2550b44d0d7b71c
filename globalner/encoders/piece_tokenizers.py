"""Fast tokenizers whose words fall into pieces, learnt from a text: WordPiece and Unigram."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from globalner.data.own_words import WORD_PATTERN
from globalner.encoders.tokenizer_parts import SPECIAL_TOKENS, framed_tokenizer, frequent_characters
from globalner.errors import ConfigError

__all__ = ["build_unigram_tokenizer", "build_wordpiece_tokenizer"]

_BLANK = "▁"
"""Stands for the blank before a word, as in SentencePiece."""


def build_wordpiece_tokenizer(
    texts: Sequence[str], *, vocabulary_size: int, min_count: int = 1, lowercase: bool = False
) -> PreTrainedTokenizerFast:
    """A tokenizer of words that fall into the longest known pieces, `##` before those inside a word.

    Words are those of the character tokenizer, without blanks. The same texts give the same vocabulary with the same
    ids, which the trainer of the library does not: it numbers pieces in the order of a hash table. So pieces are learnt
    here by byte pair encoding over words that a mark begins, which is deterministic, and then written the other way.

    Args:
        texts: The training texts.
        vocabulary_size: Most tokens, special tokens and single characters included.
        min_count: Characters seen fewer times are left to `[UNK]`, and with them their words.
        lowercase: Whether letters are lowered first.

    Raises:
        ConfigError: If the characters alone are more than `vocabulary_size`.

    Source: arXiv 1609.08144 (WordPiece), arXiv 1508.07909 (byte pair encoding).
    """
    kept = frequent_characters(texts, min_count=min_count, lowercase=lowercase)
    characters = [character for character in kept if not character.isspace()]
    words = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\s+"), "removed"), pre_tokenizers.Split(Regex(WORD_PATTERN), "isolated")]
    )
    inner = [f"##{character}" for character in characters if len(words.pre_tokenize_str(f"a{character}")) == 1]
    single = [*SPECIAL_TOKENS, *characters, *inner]
    _refuse_no_room(len(single), vocabulary_size, len(characters), min_count)
    marked = pre_tokenizers.Sequence([words, pre_tokenizers.Metaspace(_BLANK, prepend_scheme="always", split=False)])
    learnt = _learnt_pieces(texts, marked, characters, vocabulary_size, lowercase)
    pieces = [piece.removeprefix(_BLANK) if piece.startswith(_BLANK) else f"##{piece}" for piece in learnt]
    # A character by itself is known already, also one that the mark was joined to.
    kept_pieces = list(dict.fromkeys([*single, *pieces]))[:vocabulary_size]
    vocabulary = {piece: index for index, piece in enumerate(kept_pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = words
    tokenizer.decoder = decoders.WordPiece()
    return framed_tokenizer(tokenizer, lowercase=lowercase)


def build_unigram_tokenizer(
    texts: Iterable[str], *, vocabulary_size: int, min_count: int = 1, lowercase: bool = False
) -> PreTrainedTokenizerFast:
    """A tokenizer of the likeliest pieces by a unigram language model; a blank goes with the word behind it.

    Words are those of the character tokenizer. The library's training is not deterministic: the same texts give another
    vocabulary each time, with most pieces in common.

    Args:
        texts: The training texts.
        vocabulary_size: Most tokens, special tokens and single characters included.
        min_count: Characters seen fewer times are left to `[UNK]`.
        lowercase: Whether letters are lowered first.

    Raises:
        ConfigError: If the characters alone are more than `vocabulary_size`.

    Source: arXiv 1804.10959.
    """
    lines = [text.lower() if lowercase else text for text in texts]
    characters = frequent_characters(lines, min_count=min_count, lowercase=lowercase)
    _refuse_no_room(len(SPECIAL_TOKENS) + 1 + len(characters), vocabulary_size, len(characters), min_count)
    rare = dict.fromkeys({ord(character) for line in lines for character in line} - set(map(ord, characters)), " ")
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(_BLANK, prepend_scheme="always", split=True),
            pre_tokenizers.Split(Regex(f"{_BLANK}?{WORD_PATTERN}"), "isolated"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(_BLANK, prepend_scheme="always", split=True)
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary_size, special_tokens=list(SPECIAL_TOKENS), unk_token="[UNK]", show_progress=False
    )
    tokenizer.train_from_iterator((line.translate(rare) for line in lines), trainer)
    return framed_tokenizer(tokenizer, lowercase=lowercase)


def _learnt_pieces(
    texts: Iterable[str],
    words: pre_tokenizers.PreTokenizer,
    characters: Sequence[str],
    vocabulary_size: int,
    lowercase: bool,
) -> list[str]:
    """Pieces in the order in which byte pair encoding finds them."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = words
    alphabet = [_BLANK, *characters]
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + vocabulary_size,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    learner.train_from_iterator((text.lower() if lowercase else text for text in texts), trainer)
    ids = learner.get_vocab()
    return [piece for piece in sorted(ids, key=ids.__getitem__) if len(piece) > 1]


def _refuse_no_room(needed: int, vocabulary_size: int, characters: int, min_count: int) -> None:
    if needed > vocabulary_size:
        raise ConfigError(
            f"a vocabulary of {vocabulary_size} tokens has no room for the {characters:,} characters that the text has "
            f"at least {min_count} times, which need {needed:,}; take a larger vocabulary_size or a larger min_count"
        )
