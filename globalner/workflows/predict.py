"""Find the entities of documents and write one line for each."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from globalner.data import write_documents
from globalner.data.formats.format import Writing
from globalner.data.formats.native import NATIVE, NativeOptions
from globalner.decoding import DecodingMode
from globalner.errors import DataError
from globalner.extractor import DEFAULT_MAX_ENTITIES, EntityExtractor
from globalner.types import Document
from globalner.workflows.file_form import FileForm

__all__ = ["PredictOptions", "predict_documents", "read_inputs", "write_predictions"]


@dataclass(frozen=True)
class PredictOptions:
    """How to predict.

    Attributes:
        mode: "nested", "flat", or None for the model's own.
        threshold: Score above which a span counts, one number or by label; None for the model's own.
        max_entities: At most this many a text, the highest scores.
        advance: Called with the number of documents done since the last call.
    """

    mode: DecodingMode | None = None
    threshold: float | Mapping[str, float] | None = None
    max_entities: int = DEFAULT_MAX_ENTITIES
    advance: Callable[[int], None] = field(default=lambda _: None)


def read_inputs(
    source: str | None, text: str | None = None, *, reading: FileForm | None = None, whole_file: bool = False
) -> Iterable[Document]:
    """The documents to predict on.

    Args:
        source: A file, or "-" for stdin; `.txt` and text on stdin hold a document a line.
        text: One text instead.
        reading: How the file is read; None: as it shows.
        whole_file: Whether the input is one plain-text document.

    Raises:
        DataError: If the file cannot be read.
    """
    if text is not None:
        return [Document(text)]
    form = reading or FileForm()
    if whole_file:
        form = replace(form, format="text", options={"whole_file": "true"})
    return _read_stdin(form) if source == "-" else form.reader(Path(str(source)))


def predict_documents(
    extractor: EntityExtractor, documents: Iterable[Document], options: PredictOptions
) -> Iterator[Document]:
    """The documents with the entities found, one for each, in order, as a stream.

    Args:
        extractor: The model.
        documents: Documents; their own entities are replaced, all else is kept.
        options: Mode, threshold and limit.
    """
    found = extractor.stream(
        documents, mode=options.mode, threshold=options.threshold, max_entities=options.max_entities
    )
    for document in found:
        yield document
        options.advance(1)


def write_predictions(documents: Iterable[Document], output: Path | None) -> tuple[int, int]:
    """Writes documents in the native form with the text of each entity.

    Args:
        documents: The documents, read once, as a stream.
        output: The file, which appears whole or not at all; None for stdout.

    Returns:
        How many documents were written, and how many of them are `limited`.
    """
    counts = [0, 0]

    def counted() -> Iterator[Document]:
        for document in documents:
            counts[0] += 1
            counts[1] += document.limited
            yield document

    options = NativeOptions(entity_text=True)
    if output is None:
        NATIVE.write(counted(), Writing(sys.stdout), options)
    else:
        write_documents(counted(), output, "native", options=options)
    return counts[0], counts[1]


def _read_stdin(form: FileForm) -> Iterator[Document]:
    # Kept in a file, since telling the format takes a look at the beginning, and readers read files.
    with tempfile.TemporaryDirectory() as folder:
        content = sys.stdin.buffer.read()
        native = form.format == "auto" and content.lstrip().startswith(b"{")
        path = Path(folder, "stdin.jsonl" if native else "stdin.txt")
        path.write_bytes(content)
        try:
            yield from form.reader(path)
        except DataError as error:
            raise DataError(error.message, path="stdin", line=error.line) from error
