"""The folder that a run leaves, and the rules of starting, going on and starting over."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from globalner.errors import OutputError

__all__ = ["RunFolder"]


@dataclass(frozen=True)
class RunFolder:
    """Where a run puts what it makes.

    Attributes:
        path: The folder itself.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The resolved recipe."""
        return self.path / "config.yaml"

    @property
    def history(self) -> Path:
        """A row per evaluation."""
        return self.path / "history.csv"

    @property
    def metrics(self) -> Path:
        """Scores on test, or on dev where the recipe has no test; written last, so it marks a finished run."""
        return self.path / "metrics.json"

    @property
    def metrics_dev(self) -> Path:
        """Scores on dev."""
        return self.path / "metrics_dev.json"

    @property
    def checkpoint(self) -> Path:
        """State after the last complete epoch."""
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def model(self) -> Path:
        """The best model by dev micro F1; of a pretraining run, the encoder as it was at the last evaluation."""
        return self.path / "model"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer of a pretraining run, kept from its start."""
        return self.path / "tokenizer"

    @property
    def holds_run(self) -> bool:
        """Whether a run was started here."""
        return any(path.exists() for path in self._made())

    @property
    def finished(self) -> bool:
        """Whether a run came to its end here."""
        return self.metrics.is_file()

    def open(self, *, resume: bool, overwrite: bool) -> None:
        """Makes the folder ready.

        Args:
            resume: Go on with the run that is here, if there is one.
            overwrite: Take the run that is here away first; other files stay.

        Raises:
            OutputError: If a run is here and neither is asked for, both are, or the folder cannot be made.
        """
        if resume and overwrite:
            raise OutputError("--resume goes on with a run, --overwrite throws it away: choose one")
        if self.holds_run and not (resume or overwrite):
            raise OutputError(
                f"{self.path} holds a run already; go on with it (--resume), replace it (--overwrite), "
                "or name another folder (--output-dir)"
            )
        if overwrite:
            for made in self._made():
                if made.is_dir() and not made.is_symlink():
                    shutil.rmtree(made)
                else:
                    made.unlink(missing_ok=True)
        try:
            self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be made: {error.strerror}") from error

    def write_text(self, path: Path, text: str) -> None:
        """Writes a file of the run whole or not at all."""
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)

    def write_json(self, path: Path, content: dict[str, object]) -> None:
        """Writes a JSON file of the run whole or not at all."""
        self.write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")

    def _made(self) -> list[Path]:
        files = [self.config, self.history, self.metrics, self.metrics_dev]
        return [*files, self.checkpoint.parent, self.model, self.tokenizer]
