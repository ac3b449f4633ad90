"""How a campaign's files are written: whole or not at all, so that a full disk costs nothing that was there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from voyager_k8s.core.errors import InfrastructureError

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> None:
    """Write a file, and the folders it lies in; one that is there is replaced by the whole new one.

    Raises:
        InfrastructureError: it cannot be written (a full disk, no permission); what was there stays.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text, "utf-8", errors="backslashreplace")  # a reply may hold half a surrogate pair
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise InfrastructureError(
            f"cannot write {path}: {error.strerror}; free some space, or choose another folder"
        ) from error
