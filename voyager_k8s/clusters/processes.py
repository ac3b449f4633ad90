"""Which processes belong to a cluster, and who owns it.

Every program of a cluster is started by a link in `bin/` of the cluster's own folder. So a process belongs
to a cluster when the path it was started by lies there: no list can be out of date, and a process id that
the system has given to another program since is never mistaken for ours.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

import psutil

from voyager_k8s.core.base import Model

__all__ = ["Owner", "kill_all", "processes_of", "program_of", "runs"]

_GONE_SECONDS = 10.0
_POLL_SECONDS = 0.01
_SAME_SECONDS = 1.0
"""A start time is worked out from the time since boot, so it varies a little with the clock."""


class Owner(Model):
    """A process, told apart from later ones with the same id by when it started."""

    pid: int
    started: float
    """Seconds since the epoch, as psutil gives it."""

    @classmethod
    def this_process(cls) -> Owner:
        """The process that calls this."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Owner:
        """A running process, by id."""
        return cls(pid=pid, started=psutil.Process(pid).create_time())

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < _SAME_SECONDS and runs(process)
        except psutil.NoSuchProcess:
            return False


def processes_of(folder: Path) -> list[psutil.Process]:
    """The running processes that were started from `bin/` of a cluster's folder."""
    return [process for process in psutil.process_iter() if _path(process).startswith(f"{folder}/bin/")]


def program_of(process: psutil.Process) -> str:
    """The program's name (`kube-apiserver`); empty when the process has gone."""
    return Path(_path(process)).name


def _path(process: psutil.Process) -> str:
    """The path a process was started by; empty for one that has gone, is a zombie, or another user's."""
    try:
        return "".join(process.cmdline()[:1])
    except psutil.Error:
        return ""


def kill_all(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Kill processes and wait until they run no more.

    Returns:
        Those that went on (for 10 seconds; or that are another user's).
    """
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue
    deadline = monotonic() + _GONE_SECONDS
    left = [process for process in processes if runs(process)]
    while left and monotonic() < deadline:
        sleep(_POLL_SECONDS)
        left = [process for process in left if runs(process)]
    return left


def runs(process: psutil.Process) -> bool:
    """Whether a process does anything: a zombie, which its parent has yet to take note of, does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
