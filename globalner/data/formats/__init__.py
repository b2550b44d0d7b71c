"""The file formats, one file each, and the registry that names them.

A new format is one file with a `Format` record, and its entry below. Formats are asked in this order when the format
of a file is to be found out: the most special first, one that any file could be of last.
"""

from __future__ import annotations

import difflib
from typing import Any

from globalner.data.formats.cluener import CLUENER
from globalner.data.formats.cmeee import CMEEE
from globalner.data.formats.columns import COLUMNS
from globalner.data.formats.format import Format
from globalner.data.formats.inline import INLINE
from globalner.data.formats.native import NATIVE
from globalner.data.formats.text import TEXT
from globalner.data.formats.xml_tags import XML
from globalner.errors import DataError

__all__ = ["FORMATS", "format_named"]

FORMATS: dict[str, Format[Any]] = {form.name: form for form in (CLUENER, CMEEE, NATIVE, XML, INLINE, COLUMNS, TEXT)}


def format_named(name: str) -> Format[Any]:
    """The format of a name.

    Raises:
        DataError: If there is no such format; the message lists those there are.
    """
    if name not in FORMATS:
        close = difflib.get_close_matches(name, FORMATS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise DataError(f"unknown format {name!r}{hint} There are: {', '.join(FORMATS)}, and 'auto' to find out")
    return FORMATS[name]
