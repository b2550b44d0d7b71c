"""Lets the tests import `benchmarks` without the repository's root on the import path.

The root holds a folder `datasets`, which transformers would take for the package of that name.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"

if FOLDER.is_dir():
    namespace = ModuleType("benchmarks")
    namespace.__path__ = [str(FOLDER)]
    sys.modules.setdefault("benchmarks", namespace)
else:
    # A source distribution comes without benchmarks.
    collect_ignore_glob = ["test_*.py"]
