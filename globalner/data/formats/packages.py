"""Optional packages that some formats are read and written with."""

from __future__ import annotations

from importlib.util import find_spec

from globalner.errors import MissingExtraError

__all__ = ["require_package"]


def require_package(package: str, extra: str, format: str) -> None:
    """Makes sure that a package can be imported.

    Args:
        package: Its name.
        extra: The extra that brings it.
        format: The format that needs it.

    Raises:
        MissingExtraError: If it is not installed; a mere folder of that name on the import path does not count.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingExtraError(f'the format {format!r} needs {package}; install: pip install "globalner[{extra}]"')
