"""Options of Label Studio's form, which its reader and its writer share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from globalner.data.formats.offset_units import OffsetUnit

__all__ = ["LabelStudioOptions"]


@dataclass(frozen=True, slots=True)
class LabelStudioOptions:
    """Options of Label Studio's form.

    Attributes:
        use: Whether entities are read from, or written as, `annotations` or `predictions`.
        text_field: Key of the text in the data of a task; auto: `text`, else the only string; when writing, `text`.
        label_name: Name of the labelling control (`from_name`), of which results are read; auto: of each; when
            writing, `label`.
        text_name: Name of the text control (`to_name`) when writing.
        model_version: Which model made the predictions: read are its own, empty: of the first one; when writing, the
            name they get, empty: globalner.
        offset_unit: What offsets count: code_point, byte, or utf16 as in exports of early versions.
    """

    use: Literal["annotations", "predictions"] = "annotations"
    text_field: str = "auto"
    label_name: str = "auto"
    text_name: str = "text"
    model_version: str = ""
    offset_unit: OffsetUnit = "code_point"
