"""What is kept of an attempt and of a task: the rows of the journal, as types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from time import perf_counter

from voyager_k8s.core.base import Model
from voyager_k8s.core.program import Execution, Program
from voyager_k8s.core.task import Task
from voyager_k8s.core.verdict import Outcome, Verdict
from voyager_k8s.core.world import Change, Event

__all__ = ["Attempt", "Phases", "TaskRecord", "TaskState"]


class TaskState(StrEnum):
    """Where a task stands. `unknown`: it could not be judged; `rejected`: no proposal could be set up."""

    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REJECTED = "rejected"


class Attempt(Model):
    """One program written, executed, judged, and, when it succeeded, practised."""

    number: int
    """From 1."""
    program: Program
    execution: Execution
    verdict: Verdict
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
    practised: tuple[str, ...] = ()
    """What practice showed; empty where it was not reached or could not be done."""
    seconds: float = 0.0
    phases: dict[str, float] = {}
    """Seconds by phase."""

    @property
    def succeeded(self) -> bool:
        """Whether the program is worth keeping."""
        return self.verdict.outcome is Outcome.SUCCESS


class TaskRecord(Model):
    """One round of the curriculum."""

    id: str
    round: int
    """From 1."""
    state: TaskState
    task: Task | None = None
    """None where the round ended without a task."""
    reason: str = ""
    """Why it failed or was rejected."""
    skill: str = ""
    attempts: int = 0


class Phases:
    """Adds up seconds by phase; the time of a phase inside another is the inner one's alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []
        """Seconds that phases inside each open phase took."""

    @contextmanager
    def measure(self, phase: str) -> Iterator[None]:
        """Add the time inside to a phase, also when it ends in an exception."""
        began = perf_counter()
        self._inside.append(0.0)
        try:
            yield
        finally:
            whole = perf_counter() - began
            self.seconds[phase] = self.seconds.get(phase, 0.0) + whole - self._inside.pop()
            if self._inside:
                self._inside[-1] += whole
