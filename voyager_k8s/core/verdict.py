"""What a critic says of an attempt, and on what evidence."""

from __future__ import annotations

from enum import StrEnum

from voyager_k8s.core.base import Model

__all__ = ["CheckResult", "Outcome", "Verdict"]


class Outcome(StrEnum):
    """`unknown` (could not be judged) is never failure."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


class CheckResult(Model):
    """One check, evaluated."""

    text: str
    """The check in one line, as prompts and reports show it."""
    holds: bool | None
    """None: could not be evaluated, which is nobody's failure."""
    detail: str = ""
    """Why not: what was found instead."""
    invariant: bool = False


class Verdict(Model):
    """The critic's word on one attempt."""

    outcome: Outcome
    critique: str = ""
    """What to change, for the next attempt; empty on success."""
    reasoning: str = ""
    checks: tuple[CheckResult, ...] = ()
