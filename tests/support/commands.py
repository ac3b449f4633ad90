"""`voyager-k8s` as a user runs it: the installed program, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["PROGRAM", "Done", "Running", "environment", "run", "started", "wait_until"]

PROGRAM = Path(sys.executable).with_name("voyager-k8s")
_PASSED_ON = ("HOME", "LANG", "PATH", "TMPDIR", "XDG_CACHE_HOME")
_SECONDS = 120.0


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, which must be JSON and nothing else."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line by which it failed; an assertion fails where there is a traceback, or more than a line."""
        assert "Traceback" not in self.err, self.err
        complaints = [line for line in self.err.splitlines() if line.lower().startswith("error: ")]
        assert len(complaints) == 1, self.err
        return complaints[0]


def environment(**more: str) -> dict[str, str]:
    """A user's environment without keys, proxies and Python's own variables; `more` is added."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | more


def run(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    program: Path = PROGRAM,
    seconds: float = _SECONDS,
) -> Done:
    """Run a command to its end."""
    done = subprocess.run(
        [program, *arguments],
        cwd=cwd,
        env=environment() if env is None else dict(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Running:
    """A command under way, at the head of a process group as under a shell."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self.pid = process.pid

    def interrupt(self) -> None:
        """Ctrl-C: the terminal sends SIGINT to the whole group."""
        os.killpg(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """kill -9, of this process alone."""
        self._process.kill()
        self._process.wait()

    def end(self, seconds: float = _SECONDS) -> Done:
        """Wait for its end."""
        code = self._process.wait(seconds)
        return Done(code, self.out, self.err)

    @property
    def ended(self) -> bool:
        """Whether it has."""
        return self._process.poll() is not None

    @property
    def out(self) -> str:
        """Its stdout so far."""
        return (self._folder / "stdout").read_text()

    @property
    def err(self) -> str:
        """Its stderr so far."""
        return (self._folder / "stderr").read_text()


@contextmanager
def started(*arguments: str | Path, cwd: Path, folder: Path, env: Mapping[str, str]) -> Iterator[Running]:
    """A command that runs while the block does; what is left of it in the end is killed.

    Args:
        folder: takes its output.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    running = Running(process, folder)
    try:
        yield running
    finally:
        if not running.ended:
            running.kill()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Poll until it holds; an assertion fails when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
