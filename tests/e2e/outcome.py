"""What two campaigns are compared by, and how a campaign's leavings are looked at from outside."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.support.commands import run

__all__ = ["Cluster", "attempts", "cluster_of", "outcome", "still_running"]


def outcome(status: dict[str, Any], rounds: int = 3) -> dict[str, Any]:
    """What the first rounds came to, by `status --json`: nothing in it may depend on when and how often a
    campaign was interrupted."""
    tasks = status["tasks"][:rounds]
    learned = {task["skill"] for task in tasks}
    skills = [skill for skill in status["skills"] if skill["name"] in learned]
    return {"tasks": tasks, "skills": skills, "stopped_because": status["stopped_because"]}


def attempts(campaign: Path, scratch: Path) -> list[tuple[Any, ...]]:
    """All the journal has of finished attempts, read from a copy: the file itself is left as it was found."""
    scratch.mkdir()
    for file in campaign.glob("journal.sqlite3*"):
        shutil.copy(file, scratch)
    db = sqlite3.connect(scratch / "journal.sqlite3")
    try:
        return db.execute(
            "SELECT a.*, e.*, v.* FROM attempts a JOIN executions e ON e.task = a.task AND e.attempt = a.number "
            "JOIN verdicts v ON v.task = a.task AND v.attempt = a.number ORDER BY a.task, a.number"
        ).fetchall()
    finally:
        db.close()


class Cluster:
    """The cluster of one running campaign."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.folder = Path(found["folder"])
        self.processes = [psutil.Process(pid) for pid in found["pids"].values()]
        assert self.folder.is_dir()
        assert self.processes

    @property
    def is_gone(self) -> bool:
        """Whether no process and no file of it is left, nor of one that took its place."""
        successors = [each for each in psutil.process_iter() if f"{self.folder}/" in " ".join(_command(each))]
        return not still_running(self.processes) and not successors and not self.folder.exists()


def cluster_of(pid: int, cwd: Path, env: Mapping[str, str]) -> Cluster:
    """The cluster that a running campaign owns, as `cluster status` tells."""
    clusters = run("cluster", "status", "--json", cwd=cwd, env=env).json
    (found,) = [each for each in clusters if each["owner_pid"] == pid]
    return Cluster(found)


def still_running(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that do anything."""
    return [process for process in processes if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
