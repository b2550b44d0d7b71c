"""What every section of a recipe stands on: strict frozen models, values with limits, errors between two keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

__all__ = ["Count", "Dropout", "Rate", "Section", "Text", "wrong"]

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Dropout = Annotated[float, Field(ge=0.0, lt=1.0)]


class Section(BaseModel):
    """A part of a recipe. A key that it does not have is an error; values are taken as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def wrong(key: str, message: str) -> PydanticCustomError:
    """An error between two keys, laid at the door of one of them.

    Args:
        key: The key, dotted, relative to the section that raises the error.
        message: What is wrong and what to do about it.
    """
    return PydanticCustomError("between_keys", "{problem}", {"key": key, "problem": message})
