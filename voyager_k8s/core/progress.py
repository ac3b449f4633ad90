"""How the layers below say what they are doing; only the CLI turns it into text on a screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from voyager_k8s.core.base import Model

__all__ = ["Listener", "Notice", "silent"]


class Notice(Model):
    """One thing worth telling the person who watches."""

    kind: Literal["install", "cluster", "campaign", "task", "attempt", "skill", "library", "model", "warning"]
    text: str
    done: float | None = None
    """Of `total`, in any unit; both None where the length is not known."""
    total: float | None = None


Listener = Callable[[Notice], None]
"""Called from any thread; must not raise."""


def silent(notice: Notice) -> None:
    """A listener that drops everything."""
