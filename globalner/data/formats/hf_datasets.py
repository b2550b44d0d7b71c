"""Datasets of the Hugging Face library `datasets`: folders that it saved, and names on its hub.

    folder/dataset_info.json, state.json, data-00000-of-00001.arrow       (save_to_disk)
    hub:NAME or hub:NAME:SPLIT                                             such as hub:OWNER/NAME:train

The columns are those of the format `parquet`: texts with entities, or words with tags, whose names the dataset knows.
A dataset of several splits needs the option `split`, or the split behind the name; one with several configurations on
the hub needs `config`. A folder is read as it is, a name is fetched, or taken from the library's cache, when it is
opened.

Written is a folder of one split with the columns that `parquet` writes. Needs the extra `datasets`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.packages import require_package
from globalner.data.formats.table_layout import TableLayout, TableOptions, table_layout
from globalner.data.formats.table_rows import documents_of_rows, record_batches, table_schema
from globalner.errors import DataError
from globalner.types import Document

__all__ = ["DATASETS", "DatasetOptions"]

_NAME = "datasets"
_HUB = "hub:"


@dataclass(frozen=True, slots=True)
class DatasetOptions(TableOptions):
    """Options of datasets: those of tables, and which part is read.

    Attributes:
        split: Name of the split; empty: the one behind the name, or the only one.
        config: Name of the configuration on the hub.
        revision: Branch, tag or commit on the hub.
    """

    split: str = ""
    config: str = ""
    revision: str = ""


def _sniff(sample: Sample) -> Sniff:
    names = set(sample.names)
    fits = "dataset_dict.json" in names or {"dataset_info.json", "state.json"} <= names
    return Sniff(fits, "it holds neither dataset_dict.json nor dataset_info.json with state.json")


def _open(source: Source, options: DatasetOptions) -> Opened:
    dataset, split = _dataset(source, options)
    try:
        layout = table_layout(dataset.features.arrow_schema, options, partial(_column, dataset))
    except DataError as error:
        raise DataError(error.message, path=source.path) from None
    part = f"split {split}, " if split else ""
    return Opened(f"a dataset, {part}{layout.evidence}", partial(_read, dataset, layout))


def _library() -> Any:
    """The package, by its name as text: to type checkers a source tree's folder `datasets` is it."""
    require_package("datasets", "datasets", _NAME)
    return import_module("datasets")


def _dataset(source: Source, options: DatasetOptions) -> tuple[Any, str]:
    """The dataset and the name of its split, if it is one of several or has a name."""
    datasets = _library()
    name, wanted = source.path.as_posix(), options.split
    try:
        if name.startswith(_HUB):
            name, _, part = name.removeprefix(_HUB).partition(":")
            wanted = wanted or part
            loaded = datasets.load_dataset(name, options.config or None, revision=options.revision or None)
        else:
            loaded = datasets.load_from_disk(name)
    except Exception as error:  # the library and the hub's client raise many kinds
        first = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise DataError(f"cannot be loaded by datasets: {first}", path=source.path) from None
    if isinstance(loaded, datasets.Dataset):
        if wanted not in ("", str(loaded.split)):
            raise DataError(f"has no split {wanted!r}; it is a dataset without splits", path=source.path)
        return loaded, str(loaded.split or "")
    splits = list(loaded)
    if wanted not in splits and (wanted or len(splits) != 1):
        why = f"no split {wanted!r}" if wanted else "several splits"
        raise DataError(f"has {why}; name one with the option split ({', '.join(splits)})", path=source.path)
    split = wanted or splits[0]
    return loaded[split], split


def _read(dataset: Any, layout: TableLayout, reading: Reading) -> Iterator[Document]:
    rows = (row for table in dataset.with_format("arrow").iter(batch_size=1000) for row in table.to_pylist())
    yield from documents_of_rows(rows, layout, reading)


def _column(dataset: Any, name: str) -> Iterator[Sequence[object] | None]:
    for table in dataset.select_columns([name]).with_format("arrow").iter(batch_size=1000):
        yield from table.column(name).to_pylist()


def _write(documents: Iterable[Document], writing: Writing, options: DatasetOptions) -> None:
    import pyarrow as pa

    datasets = _library()
    folder = writing.path
    assert folder is not None
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:  # datasets saves to no folder that it reads from
        with tempfile.TemporaryDirectory(prefix=folder.name, dir=folder.parent) as beside:
            part = str(Path(beside) / "documents.arrow")
            with pa.OSFile(part, "wb") as file, pa.ipc.new_stream(file, table_schema(options)) as stream:
                for batch in record_batches(documents, writing, options):
                    stream.write_batch(batch)
            datasets.Dataset.from_file(part).save_to_disk(str(folder))
    finally:
        if shown:
            datasets.enable_progress_bars()


DATASETS = Format(
    name=_NAME,
    description="a folder that Hugging Face's datasets saved, or hub:NAME",
    suffixes=(),
    options=DatasetOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True, scores=True, ids=True, tokens=True, extra=True),
    kind="folder",
    address=_HUB,
)
