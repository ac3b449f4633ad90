"""How far a campaign is, and how the layers below say what they are doing.

Only the CLI turns a `Notice` into text on a screen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from voyager_k8s.core.base import Model

__all__ = ["Completed", "Failed", "Listener", "Notice", "Progress", "silent"]


class Completed(Model):
    """A task that was done."""

    goal: str
    """The template, so that one goal with other values is recognised."""
    skill: str
    attempts: int


class Failed(Model):
    """A task that was given up, and why."""

    goal: str
    reason: str


class Progress(Model):
    """What a curriculum builds on."""

    completed: tuple[Completed, ...] = ()
    failed: tuple[Failed, ...] = ()
    skills: tuple[str, ...] = ()
    """`name: description` of every learned skill."""


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
