"""Writes the description of the API: `python -m globalner_service.write_openapi service/openapi.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from globalner_service.app import create_app
from globalner_service.settings import ServiceSettings

__all__ = ["openapi_text"]


def openapi_text() -> str:
    """The description under default settings, as JSON text that ends in a line feed."""
    description = create_app(ServiceSettings(model="model")).openapi()
    return json.dumps(description, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m globalner_service.write_openapi FILE")
    Path(sys.argv[1]).write_text(openapi_text(), encoding="utf-8", newline="\n")
