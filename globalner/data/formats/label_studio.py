"""The form of Label Studio: one JSON array of tasks, each with annotations or predictions.

    [{"id": 7, "data": {"text": "Ada met Bob"}, "annotations": [{"result": [
        {"id": "a", "from_name": "label", "to_name": "text", "type": "labels",
         "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}}]}]}]

Offsets count Unicode code points, the end exclusive; a given `text` must be what they slice. A span with several
labels is as many entities. Also read: the older name `completions`, a single task, tasks one after the other, and the
short export (JSON_MIN), where the text and the list of spans stand in the task itself:

    [{"id": 7, "text": "Ada met Bob", "label": [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}]}]

Of several annotations of a task that which is marked `ground_truth` is read, else the first that was not cancelled;
the others are counted, and so are tasks without any, results of other kinds (choices, relations) and keys that are not
read. Spans with blanks at their edges are kept as they are, and counted. Further keys of `data` are kept.

Written is an array with a task a line, with annotations, or by option predictions, for people to correct in Label
Studio; only these hold scores. Given words have no place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source
from globalner.data.formats.json_stream import JsonStream, sampled_records
from globalner.data.formats.json_values import kind_of, named, text_id
from globalner.data.formats.label_studio_options import LabelStudioOptions
from globalner.data.formats.label_studio_writer import write_label_studio
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["LABEL_STUDIO", "LabelStudioOptions"]
