"""The parts of a Web Annotation: its bodies, which hold labels, and its targets, which hold places in a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from globalner.data.formats.json_values import kind_of, whole_number
from globalner.data.report import Report
from globalner.errors import DataError

__all__ = ["Mark", "labels_of", "marks_of", "source_of"]

_LABEL_PURPOSES = {"tagging", "classifying"}


class Mark(NamedTuple):
    """A labelled place.

    Attributes:
        start: First unit, inclusive.
        end: One past the last unit, **exclusive**.
        label: Entity type.
        exact: The characters, where the annotation quotes them.
    """

    start: int
    end: int
    label: str
    exact: str | None


def labels_of(annotation: dict[str, object], report: Report) -> list[str]:
    """The labels that the bodies of an annotation hold.

    Args:
        annotation: The annotation.
        report: Counts the bodies that are none.

    Raises:
        DataError: If a body is neither an object nor an address, or a label is no string.
    """
    bodies = _list_of(annotation.get("body"), "'body'")
    if "bodyValue" in annotation:
        bodies.append({"value": annotation["bodyValue"]})
    with_purpose: list[object] = [
        body for body in bodies if isinstance(body, dict) and _purposes(body) & _LABEL_PURPOSES
    ]
    chosen = with_purpose or [body for body in bodies if not isinstance(body, dict) or not _purposes(body)]
    for _ in range(len(bodies) - len(chosen)):
        report.add("body of an annotation that is no label, not read")
    return [_label(body) for body in chosen]


def _purposes(body: dict[str, object]) -> set[str]:
    return {str(purpose) for purpose in _list_of(body.get("purpose"), "'purpose'")}


def _label(body: object) -> str:
    value = body
    if isinstance(body, dict):
        value = next((body[key] for key in ("value", "source", "id") if key in body), None)
    if not isinstance(value, str) or not value:
        raise DataError(f"the value of the body is {kind_of(value)}; it must be the label, a string that is not empty")
    return value


def marks_of(annotation: dict[str, object], label: str) -> Iterator[Mark]:
    """The places of an annotation that are given by position.

    Raises:
        DataError: If a position is no pair of whole numbers, or a quotation no string.
    """
    for target in _list_of(annotation.get("target"), "'target'"):
        if not isinstance(target, dict):
            continue
        selectors = [each for each in _list_of(target.get("selector"), "'selector'") if isinstance(each, dict)]
        exact = next((each.get("exact") for each in selectors if each.get("type") == "TextQuoteSelector"), None)
        if exact is not None and not isinstance(exact, str):
            raise DataError(f"'exact' is {kind_of(exact)}; it must be the characters from 'start' to 'end'")
        for selector in selectors:
            if selector.get("type") == "TextPositionSelector":
                start, end = (whole_number(selector.get(key), f"{label!r}: {key!r}") for key in ("start", "end"))
                yield Mark(start, end, label, exact)


def source_of(annotation: dict[str, object]) -> tuple[str | None, str | None]:
    """The address of what an annotation stands in, and its text where the annotation brings it.

    Raises:
        DataError: If its targets have several sources, or a text is no string.
    """
    text: object = annotation.get("text")
    sources: list[str | None] = []
    for target in _list_of(annotation.get("target"), "'target'"):
        source = target.get("source") if isinstance(target, dict) else target
        if isinstance(source, dict):
            embedded = next((source[key] for key in ("value", "text") if key in source), None)
            text = embedded if text is None else text
            source = source.get("id")
        if source is not None and not isinstance(source, str):
            raise DataError(f"'source' is {kind_of(source)}; it must be an address, or an object with 'id' and 'value'")
        sources.append(source)
    if len(set(sources)) > 1:
        raise DataError(f"its targets have several sources, {', '.join(map(repr, sources))}; give each an annotation")
    if text is not None and not isinstance(text, str):
        raise DataError(f"'text' is {kind_of(text)}; it must be a string")
    return (sources[0] if sources else None), text


def _list_of(value: object, name: str) -> list[object]:
    """One value or several, as JSON-LD allows for each key."""
    if value is None:
        return []
    if isinstance(value, list):
        return list(value)
    if isinstance(value, dict | str):
        return [value]
    raise DataError(f"{name} is {kind_of(value)}; it must be an object, a string or a list of them")
