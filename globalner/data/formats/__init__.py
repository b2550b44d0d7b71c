"""The file formats, one file each, and the registry that names them.

A new format is one file with a `Format` record, and its entry below. Formats are asked in this order when the format
of a file is to be found out: the most special first, one that any file could be of last.
"""

from __future__ import annotations

import difflib
from typing import Any

from globalner.data.formats.brat import BRAT
from globalner.data.formats.cluener import CLUENER
from globalner.data.formats.cmeee import CMEEE
from globalner.data.formats.columns import COLUMNS
from globalner.data.formats.csv_offsets import CSV
from globalner.data.formats.docbin import DOCBIN
from globalner.data.formats.doccano import DOCCANO
from globalner.data.formats.format import Format
from globalner.data.formats.hf_datasets import DATASETS
from globalner.data.formats.inline import INLINE
from globalner.data.formats.json_tags import JSON_TAGS
from globalner.data.formats.label_studio import LABEL_STUDIO
from globalner.data.formats.native import NATIVE
from globalner.data.formats.parquet import PARQUET
from globalner.data.formats.spacy_json import SPACY_JSON
from globalner.data.formats.spacy_offsets import SPACY_OFFSETS
from globalner.data.formats.text import TEXT
from globalner.data.formats.web_annotation import WEB_ANNOTATION
from globalner.data.formats.xml_tags import XML
from globalner.errors import DataError

__all__ = ["FORMATS", "format_named"]

FORMATS: dict[str, Format[Any]] = {
    form.name: form
    for form in (
        DATASETS,
        PARQUET,
        DOCBIN,
        BRAT,
        WEB_ANNOTATION,
        CLUENER,
        CMEEE,
        LABEL_STUDIO,
        DOCCANO,
        SPACY_JSON,
        SPACY_OFFSETS,
        JSON_TAGS,
        NATIVE,
        XML,
        INLINE,
        CSV,
        COLUMNS,
        TEXT,
    )
}


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
