"""A group of verbs from a table of modules; a module is loaded when its verb is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

__all__ = ["VerbTable"]


class VerbTable(TyperGroup):
    """The verbs of a table; a module is loaded when its verb is called, or for the help of all.

    A group of verbs is a subclass that names its table.
    """

    verbs: ClassVar[Mapping[str, str]] = {}
    """Verb to module, in the order of the help. A module offers `app`, and at its top imports nothing heavy."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        """Names of the verbs, in the order of the table."""
        return list(self.verbs)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a verb, or None."""
        # For an unknown verb all are loaded, since the nearest one is looked for among those that are.
        for verb in [cmd_name] if cmd_name in self.verbs else self.verbs:
            if verb not in self.commands:
                self.commands[verb] = typer.main.get_command(import_module(self.verbs[verb]).app)
        return super().get_command(ctx, cmd_name)
