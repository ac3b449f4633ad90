"""Turns what a supervisor saw of a run into an `Execution`, and says in words how it ended."""

from __future__ import annotations

import signal
from typing import Literal

from pydantic import JsonValue, ValidationError

from voyager_k8s.core.base import Model
from voyager_k8s.core.config import SandboxConfig
from voyager_k8s.core.program import Ending, Execution

__all__ = ["Reply", "execution"]


class Reply(Model):
    """What a supervisor saw."""

    report: str | None = None
    """The program's own word, as JSON; None where it ended without one."""
    timed_out: bool = False
    exit_code: int | None = None
    """Of a process that ended by itself; a signal's number negated."""
    output: str = ""
    dropped: int = 0
    """Bytes of output beyond the limit."""
    seconds: float = 0.0
    lost: bool = False
    """The supervisor itself went away while the program ran."""


class _Report(Model):
    ending: Literal["returned", "raised", "memory"]
    result: JsonValue = None
    error: str = ""


def execution(reply: Reply, limits: SandboxConfig) -> Execution:
    """The outcome of one run, whatever the program did."""
    output = reply.output
    if reply.dropped:
        output += f"\n[... {reply.dropped:,} more bytes of output left out]"
    report = None if reply.report is None else _read(reply.report)
    if report is None:
        ending, error = _unreported(reply, limits)
        return Execution(ending=ending, output=output, error=error, seconds=reply.seconds)
    error = report.error
    if report.ending == "memory":
        error = f"{error}\nthe limit is {limits.memory_mib} MiB"
    return Execution(ending=report.ending, result=report.result, output=output, error=error, seconds=reply.seconds)


def _read(report: str) -> _Report | None:
    """A report comes out of the program's own process and may be anything."""
    try:
        return _Report.model_validate_json(report)
    except ValidationError:
        return None


def _unreported(reply: Reply, limits: SandboxConfig) -> tuple[Ending, str]:
    if reply.timed_out:
        return "timeout", f"stopped after {limits.seconds:g} s, the time limit of a program"
    if reply.exit_code == -signal.SIGXCPU:
        return "timeout", f"stopped: used more CPU time than the {limits.seconds:g} s of its time limit"
    return "crashed", f"the program's process ended without returning: {_manner(reply)}"


def _manner(reply: Reply) -> str:
    if reply.lost:
        return "it and the process that watched over it were killed"
    if reply.report is not None:
        return "what it reported is not of the form of a report"
    if reply.exit_code is None:
        return "it closed its channel"
    if reply.exit_code >= 0:
        return f"exit code {reply.exit_code} (os._exit); return a value or raise an error instead"
    return f"killed by {_signal_name(-reply.exit_code)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
