"""What a card of the catalogue may say about a data set: strict, frozen models, as of recipes."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from globalner.config.section import Count, Section, Text, wrong

__all__ = ["ARCHIVE_SUFFIXES", "CardFile", "DataCard", "FileCheck"]

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""What the name of an archive ends in."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def _inner_path(value: str) -> str:
    parts = PurePosixPath(value).parts
    if not parts or value != "/".join(parts) or ".." in parts or value.startswith("/") or "\\" in value:
        raise ValueError("must be a path inside the set's folder, parted by /, without . and ..")
    return value


def _web_address(value: str) -> str:
    address = urlsplit(value)
    if address.scheme not in ("http", "https") or not address.hostname or not value.isascii() or " " in value:
        raise ValueError("must be a web address: https://..., in ASCII")
    return value


def _digest(value: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError("must be a SHA-256: 64 hexadecimal digits in lower case")
    return value


def _language(value: str) -> str:
    if not re.fullmatch("[a-z]{2,3}", value):
        raise ValueError("must be a language code of two or three small letters, such as zh")
    return value


InnerPath = Annotated[str, AfterValidator(_inner_path)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Digest = Annotated[str, AfterValidator(_digest)]
Language = Annotated[str, AfterValidator(_language)]


class FileCheck(Section):
    """A file and how it is known."""

    path: InnerPath = Field(description="Where it lies in the set's folder; parts are parted by /.")
    size_bytes: Count | None = Field(default=None, description="Its length in bytes, or null where not known.")
    sha256: Digest | None = Field(default=None, description="Its SHA-256 in hexadecimal, or null where not known.")


class CardFile(FileCheck):
    """A file of a set, or an archive of such files."""

    url: WebAddress | None = Field(default=None, description="Where it can be had, or null: only by hand.")
    unpack: bool = Field(default=False, description="Whether it is an archive that is unpacked and not kept.")
    holds: list[FileCheck] = Field(
        default_factory=list,
        description="The files of an archive that are kept, whatever folder of it they lie in; none: all.",
    )
    optional: bool = Field(default=False, description="Whether the set can be used without it.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.unpack and not self.path.endswith(ARCHIVE_SUFFIXES):
            raise wrong("path", f"{self.path!r} cannot be unpacked; archives end in {', '.join(ARCHIVE_SUFFIXES)}")
        if self.holds and not self.unpack:
            raise wrong("holds", "only an archive with unpack: true holds files")
        if self.url is not None and self.url.startswith("http:") and self.sha256 is None:
            raise wrong(
                "url", "a file over plain http is protected by its SHA-256 only; give that, or an https address"
            )
        return self


class DataCard(Section):
    """A data set of the catalogue: facts about it, and where its files are. Nothing of its text."""

    name: Text = Field(description="Name, as in `data get NAME`; also that of the card's file and the folder.")
    title: Text = Field(description="What the set is called.")
    languages: list[Language] = Field(min_length=1, description="Codes of its languages, such as zh.")
    domain: Text = Field(description="What kind of text it is.")
    task: Text = Field(description="What its entities are.")
    nested: bool = Field(description="Whether entities may lie in each other.")
    licence: Text = Field(description="Licence or terms in a few words; what is not known is said so.")
    terms: WebAddress | None = Field(default=None, description="Where the terms can be read, or null.")
    restricted: Text | None = Field(default=None, description="What has to be accepted before use, or null: nothing.")
    homepage: WebAddress = Field(description="The set's own page.")
    obtain: Text | None = Field(default=None, description="How to get what cannot be fetched, or null.")
    files: list[CardFile] = Field(default_factory=list, description="Its files; none where only a person can get them.")
    splits: dict[Text, InnerPath] = Field(default_factory=dict, description="The path of each split: train, dev, test.")
    format: Text | None = Field(default=None, description="Format of the splits, or null: as `note` says.")
    format_options: dict[Text, Text] = Field(default_factory=dict, description="Options of the format, by name.")
    labels: dict[Text, Text] = Field(default_factory=dict, description="Each label and what it means.")
    citation: Text = Field(description="Whom to cite.")
    recipe: Text | None = Field(default=None, description="The recipe that is made for it, or null.")
    note: Text | None = Field(default=None, description="What else one should know, or null.")

    @property
    def fetchable(self) -> bool:
        """Whether everything that is needed can be downloaded."""
        return bool(self.files) and all(file.url is not None or file.optional for file in self.files)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not _NAME.fullmatch(self.name):
            raise wrong("name", f"{self.name!r} may hold small letters, digits, - and _ only")
        if self.restricted is not None and self.terms is None:
            raise wrong("terms", "a restricted set has to say where its terms can be read")
        if self.obtain is None and not (self.files and all(file.url is not None for file in self.files)):
            raise wrong("obtain", "has to say how to get the files that have no url")
        if self.format is None and (self.format_options or (self.splits and self.note is None)):
            raise wrong("format", "is missing; without one, say in `note` how the files are to be read")
        paths = [part.path for file in self.files for part in (file, *file.holds)]
        if (twice := next((path for path in paths if paths.count(path) > 1), None)) is not None:
            raise wrong("files", f"{twice!r} stands there twice")
        any_content = not self.files or any(file.unpack and not file.holds for file in self.files)
        kept = {path for file in self.files for path in _kept_paths(file)}
        for split, path in self.splits.items():
            if not any_content and not any(one == path or one.startswith(f"{path}/") for one in kept):
                raise wrong("splits", f"{split}: no file of the card is {path!r}, or lies in it")
        return self


def _kept_paths(file: CardFile) -> list[str]:
    return [part.path for part in file.holds] if file.unpack else [file.path]
