"""The command line: one file for each verb, which reads arguments, calls a workflow and shows what it returns."""

from __future__ import annotations

from globalner.cli.app import main

__all__ = ["main"]
