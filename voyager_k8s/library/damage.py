"""When an embedded index is to be built anew, and where the old one goes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

__all__ = ["is_damage", "move_aside"]

_NOT_DAMAGE = re.compile(
    r"locked|busy|disk is full|no space|i/o error|readonly|read-only|permission denied", re.IGNORECASE
)
"""What an intact index says where the machine is the trouble (https://sqlite.org/rescode.html)."""


def is_damage(message: str) -> bool:
    """Whether a failure of an index means that its files are bad, and not the machine's state (a full disk,
    another process): only then is it built anew."""
    return _NOT_DAMAGE.search(message) is None


def move_aside(path: Path) -> Path:
    """Rename a folder, or whatever is in its place, to `<name>.damaged`, which replaces an earlier one.

    Returns:
        Where it is now.
    """
    aside = path.with_name(f"{path.name}.damaged")
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside)
    else:
        aside.unlink(missing_ok=True)
    if path.exists():
        path.rename(aside)
    return aside
