"""What the columns of a table of documents hold, found from its schema: for Parquet files and `datasets`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from globalner.data.formats.offset_units import OffsetUnit
from globalner.data.formats.tag_schemes import scheme_named
from globalner.data.formats.tagged_words import TagForm, tag_form
from globalner.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TableLayout", "TableOptions", "named_tags", "table_layout"]

_USUAL_NAMES = {
    "text": ("text", "sentence", "content", "data"),
    "entities": ("entities", "spans", "ner", "labels", "label", "annotations"),
    "tokens": ("tokens", "words"),
    "tags": ("ner_tags", "tags", "ner", "labels", "label", "bio_tags"),
}
_USUAL_FIELDS = (
    ("start", "start_offset", "start_char", "begin"),
    ("end", "end_offset", "end_char"),
    ("label", "type", "tag", "entity_type", "entity_group"),
)


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Options of tables. A column left at `auto` is the first one with a usual name and a type that fits.

    Attributes:
        text: Column of the text.
        entities: Column of the entities, each with a start, an end (exclusive) and a label.
        tokens: Column of the words.
        tags: Column of the tags, one a word, strings or numbers.
        names: The tags that numbers stand for, in order; empty: as the table says.
        scheme: `BILUO`, `BIO`, `IOB1`, `IO`, `BIOES`, `BMES`, or `auto`: as the tags show; when writing, BIO.
        offset_unit: What offsets count when reading: code_point, utf16 or byte.
        shape: When writing, `entities`, or `tags` for words with a tag each.
    """

    text: str = "auto"
    entities: str = "auto"
    tokens: str = "auto"
    tags: str = "auto"
    names: tuple[str, ...] = ()
    scheme: str = "auto"
    offset_unit: OffsetUnit = "code_point"
    shape: Literal["entities", "tags"] = "entities"

    def __post_init__(self) -> None:
        if self.scheme != "auto":
            scheme_named(self.scheme)


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Which columns of a table hold what; an empty name: none does.

    Attributes:
        text: Column of the text.
        entities: Column of the entities.
        tokens: Column of the words, or of their offsets.
        tags: Column of the tags.
        fields: Names of start, end and label in an entity.
        names: What the numbers in place of tags or labels stand for.
        form: How tags are read.
        own: Whether the table has the columns that globalner writes, further keys as JSON in `extra`.
        offset_unit: What offsets count.
    """

    text: str = ""
    entities: str = ""
    tokens: str = ""
    tags: str = ""
    fields: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    form: TagForm | None = None
    own: bool = False
    offset_unit: OffsetUnit = "code_point"

    @property
    def evidence(self) -> str:
        """In plain words."""
        if self.form is not None:
            return f"words in the column {self.tokens!r}, {self.form.evidence} in {self.tags!r}"
        entities = f"entities in {self.entities!r}" if self.entities else "no entities"
        return f"texts in the column {self.text!r}, {entities}"


def table_layout(
    schema: pa.Schema, options: TableOptions, rows_of: Callable[[str], Iterable[Sequence[object] | None]]
) -> TableLayout:
    """Finds the columns of documents.

    Args:
        schema: Of the table.
        options: What people say of it.
        rows_of: Gives the values of a column row by row, to tell the scheme of its tags from.

    Raises:
        DataError: If an option names a column that is not there or holds something else, there are neither texts nor
            words with tags, or nothing says what the numbers stand for.
    """
    tests = {"text": _is_string, "entities": _is_entities, "tokens": _is_words, "tags": _is_tags}
    found = {role: _column(schema, role, getattr(options, role), fits) for role, fits in tests.items()}
    names = schema.names
    own = len(names) == 5 and (names[0], names[4]) == ("id", "extra") and _is_string(schema.field("extra").type)
    tagged = found["tokens"] and found["tags"] and _is_tags(schema.field(found["tokens"]).type)
    if tagged and (options.tags != "auto" or not (found["text"] and found["entities"])):
        names = options.names or _class_names(schema, found["tags"])
        form = _form(schema, found["tags"], options.scheme, names, rows_of)
        return TableLayout(found["text"], "", found["tokens"], found["tags"], (), names, form, own)
    if not found["text"]:
        raise DataError(
            f"has no texts, nor words with tags; the columns are {_shown(schema)}; name those of the documents with "
            "the options text and entities, or tokens and tags"
        )
    if not found["entities"]:
        return TableLayout(found["text"], own=own)
    names = options.names or _class_names(schema, found["entities"])
    fields = _fields(schema.field(found["entities"]).type)
    tokens = found["tokens"] if own else ""
    return TableLayout(found["text"], found["entities"], tokens, "", fields, names, None, own, options.offset_unit)


def named_tags(values: Sequence[object], names: Sequence[str]) -> list[str]:
    """Tags as text.

    Args:
        values: Text, numbers or None for a tag that is not known.
        names: What the numbers stand for.

    Raises:
        DataError: If there is no such number.
    """
    tags = []
    for value in values:
        if isinstance(value, int) and not 0 <= value < len(names):
            raise DataError(f"a tag is the number {value}, but the {len(names)} names are numbered from 0")
        tags.append(names[value] if isinstance(value, int) else "" if value is None else str(value))
    return tags


def _form(
    schema: pa.Schema,
    column: str,
    scheme: str,
    names: tuple[str, ...],
    rows_of: Callable[[str], Iterable[Sequence[object] | None]],
) -> TagForm:
    if not names and not _is_string(schema.field(column).type.value_type):
        raise DataError(
            f"the tags in the column {column!r} are numbers, and the table does not say what they stand for; name "
            "them in order with the option names (names=O,B-PER,I-PER)"
        )
    rows = enumerate(rows_of(column) if not names else (), start=1)
    return tag_form(((number, named_tags(row or (), names)) for number, row in rows), scheme, names)


def _column(schema: pa.Schema, role: str, wanted: str, fits: Callable[[pa.DataType], bool]) -> str:
    if wanted == "auto":
        usual = (name for name in _USUAL_NAMES[role] if schema.get_field_index(name) >= 0)
        return next((name for name in usual if fits(schema.field(name).type)), "")
    if schema.get_field_index(wanted) < 0 or not fits(schema.field(wanted).type):
        raise DataError(f"there is no column {wanted!r} that can hold {role}; the columns are {_shown(schema)}")
    return wanted


def _shown(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema) or "none"


def _is_string(kind: pa.DataType) -> bool:
    return str(kind) in ("string", "large_string", "string_view")


def _is_tags(kind: pa.DataType) -> bool:
    from pyarrow.types import is_integer

    return _is_list(kind) and (_is_string(kind.value_type) or bool(is_integer(kind.value_type)))


def _is_words(kind: pa.DataType) -> bool:
    return _is_list(kind) and (_is_string(kind.value_type) or len(_fields(kind)) >= 2)


def _is_entities(kind: pa.DataType) -> bool:
    return len(_fields(kind)) == len(_USUAL_FIELDS)


def _is_list(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _fields(kind: pa.DataType) -> tuple[str, ...]:
    """Names of start, end and label, as far as they are there, in a list of structs or a struct of lists."""
    from pyarrow.types import is_struct

    inner = kind.value_type if _is_list(kind) else kind
    if not is_struct(inner):
        return ()
    there = {inner.field(index).name for index in range(inner.num_fields)}
    found = (next((name for name in names if name in there), "") for names in _USUAL_FIELDS)
    return tuple(name for name in found if name)


def _class_names(schema: pa.Schema, column: str) -> tuple[str, ...]:
    """The names of numbers that `datasets` keeps in the metadata of a schema."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return ()
    waiting = [features.get(column)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict) and value.get("_type") == "ClassLabel" and isinstance(value.get("names"), list):
            return tuple(map(str, value["names"]))
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return ()
