"""JSON as data files use it: what it may hold, and values checked with messages that show them."""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from globalner.data.formats.format import Reading
from globalner.errors import DataError

__all__ = [
    "check_characters",
    "finite",
    "json_line",
    "json_object",
    "json_value",
    "kind_of",
    "named",
    "object_of_pairs",
    "refuse_constant",
    "text_id",
    "text_of",
    "whole_number",
]

_SURROGATE = re.compile(r"\\u[dD][89abcdefABCDEF]")


def json_object(line: str, *, unique_keys: bool = False) -> dict[str, object]:
    """The JSON object that a line is.

    Args:
        line: The JSON.
        unique_keys: Whether a key that an object has twice is an error, rather than the last one taken.

    Raises:
        DataError: If the line is not JSON, not an object, or holds a number or character that is none.
    """
    record = json_value(line, unique_keys=unique_keys)
    if not isinstance(record, dict):
        raise DataError(f"holds {kind_of(record)}; each line must be one JSON object with a 'text'")
    return record


def json_value(line: str, *, unique_keys: bool = False) -> object:
    """The JSON value that a line is; as `json_object`, of any kind.

    Raises:
        DataError: If the line is not JSON, or holds a number or character that is none.
    """
    hook = object_of_pairs if unique_keys else None
    try:
        value: object = json.loads(line, parse_constant=refuse_constant, parse_float=finite, object_pairs_hook=hook)
    except json.JSONDecodeError as error:
        raise DataError(
            f"is not complete JSON: {error.msg} at character {error.pos + 1}; "
            "a document stands whole on one line, and this line is cut off or broken"
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON that can be read: {error}") from None
    check_characters(value, line)
    return value


def json_line(record: object, name: str) -> str:
    """A record as one line of JSON, with its line end.

    Args:
        record: Its values.
        name: What it is called in messages, such as "document 7".

    Raises:
        DataError: If it holds what JSON has no form for.
    """
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{name} has a further key whose value is not JSON: {error}") from None


def check_characters(record: object, source: str) -> None:
    """Refuses strings with half characters.

    Args:
        record: The values.
        source: The JSON that they were read from.

    Raises:
        DataError: If a string holds a lone surrogate.
    """
    if not _SURROGATE.search(source):
        return
    try:
        json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(str(error.object)[error.start])
        raise DataError(
            f"a string holds \\u{code:04x} without its other half; such a lone surrogate is no character"
        ) from None


def refuse_constant(name: str) -> NoReturn:
    """For `parse_constant` of a decoder: NaN and its like are an error."""
    raise DataError(f"holds {name}, which is not JSON; numbers must be finite")


def finite(text: str) -> float:
    """For `parse_float` of a decoder: a number that is too large is an error."""
    value = float(text)
    if not math.isfinite(value):
        raise DataError(f"holds the number {text[:20]}, which is too large; numbers must be finite")
    return value


def object_of_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """For `object_pairs_hook` of a decoder: an object that has a key twice is an error."""
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise DataError(f"an object has the key {twice!r} twice; join the two")
    return record


def text_of(record: dict[str, object]) -> str:
    """The `text` of a document.

    Raises:
        DataError: If there is none, or it is not a string.
    """
    if "text" not in record:
        raise DataError(f"has no 'text'; it has {', '.join(map(repr, record)) or 'no key at all'}")
    text = record["text"]
    if not isinstance(text, str):
        raise DataError(f"'text' is {kind_of(text)}; it must be a string")
    return text


def text_id(value: object, reading: Reading) -> str | None:
    """The `id` of a document; a whole number becomes text, which the report notes.

    Raises:
        DataError: If it is anything else than a string, a whole number or nothing.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        reading.report.note("ids that are numbers were read as text")
        return str(value)
    if value is None or isinstance(value, str):
        return value
    raise DataError(f"'id' is {kind_of(value)}; it must be a string")


def named(record: object, message: str) -> str:
    """A message about a document, with the `id` of its record in front if that has one."""
    name = record.get("id") if isinstance(record, dict) else None
    return f"document {name!r}: {message}" if isinstance(name, str | int) else message


def whole_number(value: object, name: str) -> int:
    """A whole number.

    Raises:
        DataError: If it is none; `name` says in the message what it is.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{name} is {kind_of(value)}; it must be a whole number")
    return value


def kind_of(value: object) -> str:
    """A JSON value for a message: containers by kind, others as written."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 40 else shown[:39] + "…"
