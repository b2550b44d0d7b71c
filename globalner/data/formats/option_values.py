"""Options of a format from text, as they are given on the command line and in recipes."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from globalner.data.formats.format import Format
from globalner.errors import DataError

__all__ = ["options_from_text"]


def options_from_text(form: Format[Any], values: Mapping[str, str]) -> object:
    """The options of a format.

    Args:
        form: The format.
        values: Text by the name of an option; a tuple's items are parted by commas.

    Raises:
        DataError: If there is no such option (the message names those there are), or a value does not fit.
    """
    fields = {field.name: str(field.type) for field in dataclasses.fields(form.options)}
    for name in values:
        if name not in fields:
            raise DataError(_unknown(form.name, name, list(fields)))
    given = {name: value.split(",") if "tuple" in fields[name] else value for name, value in values.items()}
    try:
        return TypeAdapter(form.options).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        shown = f"{name}={values[name]!r}: " if name in values else ""
        raise DataError(f"option of the format {form.name!r}: {shown}{first['msg']}") from None


def _unknown(form: str, name: str, names: list[str]) -> str:
    if not names:
        return f"the format {form!r} has no options; got {name!r}"
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"the format {form!r} has no option {name!r}; {hint}There are: {', '.join(names)}"
