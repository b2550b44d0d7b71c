"""Public data sets: their files fetched, checked, unpacked and put in a folder that appears whole or not at all."""

from __future__ import annotations

from globalner.catalog.archives import UnpackLimits, unpack
from globalner.catalog.collect import Collecting, collect_files
from globalner.catalog.set_folder import CARD_FILE, README_FILE, SetFolder, kept_files
from globalner.catalog.transfer import Transfer, TransferLimits, download

__all__ = [
    "CARD_FILE",
    "README_FILE",
    "Collecting",
    "SetFolder",
    "Transfer",
    "TransferLimits",
    "UnpackLimits",
    "collect_files",
    "download",
    "kept_files",
    "unpack",
]
