"""Sharing a model: its whole folder goes to a model hub."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi

from globalner.errors import CheckpointError, OutputError
from globalner.model.folder import refuse_other_folders
from globalner.model.model_card import CARD_FILE, write_model_card

__all__ = ["push_model"]


def push_model(
    folder: str | Path,
    repo_id: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    token: str | None = None,
    message: str = "Upload model",
) -> str:
    """Uploads a model folder: weights, configuration, tokenizer, and the card, which is made if it is missing.

    Args:
        folder: A model folder, such as `runs/demo/model`.
        repo_id: Where it goes, as `owner/name`; the repository is made if there is none.
        private: Whether a new repository is private; None for the owner's default, which is public as a rule.
        revision: Branch; None for the main one.
        token: Access token; None for the one that `hf auth login` stored.
        message: Message of the commit.

    Returns:
        The address of the commit.

    Raises:
        CheckpointError: If the folder holds no whole model.
        OutputError: If the hub cannot be reached or refuses.
    """
    folder = Path(folder)
    if not folder.exists():
        raise CheckpointError(f"{folder}: there is no such folder")
    refuse_other_folders(str(folder))
    if not (folder / "tokenizer.json").is_file():
        raise CheckpointError(f"{folder}: the tokenizer is missing, there is no tokenizer.json")
    if not (folder / CARD_FILE).is_file():
        write_model_card(folder)
    hub = HfApi(token=token)
    try:
        made = hub.create_repo(repo_id, private=private, exist_ok=True)
        if revision is not None:
            hub.create_branch(made.repo_id, branch=revision, exist_ok=True)
        commit = hub.upload_folder(repo_id=made.repo_id, folder_path=folder, revision=revision, commit_message=message)
    except Exception as error:  # each release of the hub's library brings the errors of another HTTP client
        raise OutputError(
            f"{folder} could not be pushed to {repo_id!r}: {_first_line(error)}; "
            "is the name owner/name, is the hub within reach, and are you logged in (hf auth login)?"
        ) from error
    return str(commit)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
