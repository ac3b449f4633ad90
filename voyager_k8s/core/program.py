"""What the action agent writes and what running it came to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import JsonValue

from voyager_k8s.core.base import Model
from voyager_k8s.core.task import Values

__all__ = ["ApiAccess", "Ending", "Execution", "Program"]

Ending = Literal["returned", "raised", "timeout", "memory", "crashed"]
"""How a run ended. `crashed`: the process died without a word (killed, or it left by `os._exit`)."""


class Program(Model):
    """One Python module, its entry function and the arguments for the task."""

    name: str
    """The one public function's name, and the module's."""
    source: str
    arguments: Values
    """Keyword arguments; strings are Jinja2 templates over the task's parameters."""


class ApiAccess(Model):
    """All that a program is given to reach the cluster."""

    server: str
    """The API server's URL."""
    certificate_authority: str
    """PEM text; empty where the server is plain HTTP."""
    token: str
    """A bearer token of the workspace's identity; never shown, never stored."""
    namespace: str


class Execution(Model):
    """The outcome of one run. A failing program is a result, not an exception."""

    ending: Ending
    result: JsonValue = None
    output: str = ""
    """What it printed (stdout and stderr), cut to the limit with a note."""
    error: str = ""
    """The traceback from the program's own frames, or what limit was hit; empty when it returned."""
    seconds: float = 0.0

    def told(self, stable: Callable[[str], str]) -> Execution:
        """The same with `stable` applied to every text in it."""
        words = {"output": stable(self.output), "error": stable(self.error), "result": _told(self.result, stable)}
        return self.model_copy(update=words)

    @property
    def ok(self) -> bool:
        """Whether the program returned."""
        return self.ending == "returned"


def _told(value: JsonValue, stable: Callable[[str], str]) -> JsonValue:
    if isinstance(value, str):
        return stable(value)
    if isinstance(value, list):
        return [_told(each, stable) for each in value]
    if isinstance(value, dict):
        return {stable(key): _told(each, stable) for key, each in value.items()}
    return value
