"""The HTTP service of globalner: `create_app(settings)` makes the application, `globalner serve` runs it."""

from __future__ import annotations

from globalner_service.app import create_app
from globalner_service.extractor import Extractor
from globalner_service.settings import ServiceSettings

__all__ = ["Extractor", "ServiceSettings", "create_app"]
