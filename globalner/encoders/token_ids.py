"""Which ids a tokenizer gives, and which one fills a batch."""

from __future__ import annotations

from transformers import PreTrainedTokenizerFast

__all__ = ["highest_text_id", "padding_id"]


def padding_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """The id that fills a batch: of the padding token, else of the end token, else 0.

    Tokenizers of many decoders have no padding token. Any id would do, since masks keep it from all results.
    """
    ids = tokenizer.pad_token_id, tokenizer.eos_token_id
    return next((int(id_) for id_ in ids if isinstance(id_, int)), 0)


def highest_text_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """The highest id that can come of a text.

    Text never becomes a special token here. Some vocabularies end in special ones that the model has no vector for
    (that of a picture in a model of text); those that frame each text count.
    """
    special = {id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special}
    text = (id_ for id_ in tokenizer.get_vocab().values() if id_ not in special)
    return max((*text, *tokenizer.backend_tokenizer.encode("").ids), default=-1)
