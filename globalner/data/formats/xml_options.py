"""Options of XML-like tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from globalner.data.formats.xml_names import NAME
from globalner.data.report import Report
from globalner.errors import DataError

__all__ = ["XmlOptions"]


@dataclass(frozen=True, slots=True)
class XmlOptions:
    """Options of XML-like tags.

    Attributes:
        layout: `lines`: one document a line; `file`: an XML file with a root; `auto`: as the file shows; when writing,
            an XML file.
        label_attribute: Attribute of a tag that holds the label; None: the label is the name of the tag. When writing,
            tags are then named entity.
        labels: Labels of entities; tags of others are left out and counted. None: every tag is an entity.
        document_tag: When an XML file is read, the name of the elements that are documents, at any depth; None: those
            right below the root.
    """

    layout: Literal["auto", "lines", "file"] = "auto"
    label_attribute: str | None = None
    labels: tuple[str, ...] | None = None
    document_tag: str | None = None

    def __post_init__(self) -> None:
        if self.layout not in ("auto", "lines", "file"):
            raise DataError(f"layout {self.layout!r} is unknown; there are: auto, lines, file")
        for option, name in (("label_attribute", self.label_attribute), ("document_tag", self.document_tag)):
            if name is not None and not re.fullmatch(NAME, name):
                raise DataError(f"{option} is {name!r}, which cannot be a name in XML")

    def label(self, name: str, attributes: Mapping[str, str], report: Report) -> str | None:
        """The label of a tag; None where it is no entity, which is counted, as are attributes that are not read."""
        for key in attributes:
            if key != self.label_attribute:
                report.add("attribute of a tag that is not read", f"{key} of {name}")
        label = name if self.label_attribute is None else attributes.get(self.label_attribute)
        if label is None:
            report.add(f"tag without the attribute {self.label_attribute}, left out", name)
        elif self.labels is not None and label not in self.labels:
            report.add("tag that is none of the labels, left out", label)
            return None
        return label
