"""The sandbox as a process per program, forked from a warm one (see `worker.py` for the processes' plan).

Isolation is a process's: limits, an emptied environment, a folder of its own. The program still shares the
machine's network and files. The rights of the ServiceAccount it is given bound what an honest program can do; one
that goes looking can read what this user can read, an administrator's kubeconfig among it.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from voyager_k8s.core.config import SandboxConfig
from voyager_k8s.core.errors import SandboxError
from voyager_k8s.core.program import ApiAccess, Execution, Program
from voyager_k8s.core.progress import Listener, Notice, silent
from voyager_k8s.core.task import Values
from voyager_k8s.sandbox.outcome import Reply, execution
from voyager_k8s.sandbox.supervisor import receive_frame, send_frame

__all__ = ["ProcessSandbox"]

WORKER = Path(__file__).with_name("worker.py")
START_SECONDS = 60.0
"""Longest wait for a run to begin; the warm process imports `kubernetes` first."""
GRACE_SECONDS = 15.0
"""What a supervisor gets beyond the program's time before it is killed with all it started."""
STOP_SECONDS = 10.0
"""What the warm process gets to end its supervisors and leave."""
ENVIRONMENT = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"}
"""All that a program's environment holds (and HOME, TMPDIR: its own folder). With glibc's default each
thread would reserve 64 MiB of the address space that is limited."""


class ProcessSandbox:
    """Implements `core.ports.Sandbox`; may be used from several threads at once.

    Args:
        config: limits of each run.
        listener: told when the warm process had to be started again.
    """

    def __init__(self, config: SandboxConfig | None = None, listener: Listener = silent) -> None:
        self._config = config or SandboxConfig()
        self._listener = listener
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._runs: set[socket.socket] = set()
        self._closed = False
        self._last_words = "no word from it"

    def __enter__(self) -> ProcessSandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def warm(self) -> None:
        """Start the warm process, without waiting until it is ready.

        Raises:
            SandboxError: it cannot be started, or the sandbox is closed.
        """
        with self._lock:
            self._living_worker()

    def run(self, program: Program, arguments: Values, access: ApiAccess, library: Path) -> Execution:
        """See `core.ports.Sandbox.run`."""
        request = {
            "name": program.name,
            "source": program.source,
            "arguments": arguments,
            "library": str(library.resolve()),
            "access": access.model_dump(),
            "limits": self._config.model_dump(),
        }
        for _ in range(2):
            reply = self._attempt(request)
            if self._closed and (reply is None or reply.lost):
                raise SandboxError(f"the sandbox was closed while {program.name} ran")
            if reply is not None:
                return execution(reply, self._config)
        raise SandboxError(
            f"the sandbox could not begin to run {program.name}, tried twice: {self._last_words}; "
            "see that the machine has memory and disk space left"
        )

    def close(self) -> None:
        """See `core.ports.Sandbox.close`; a run still going on in another thread ends with SandboxError."""
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
            for run in self._runs:
                with contextlib.suppress(OSError):
                    run.shutdown(socket.SHUT_RDWR)
        if worker is not None:
            worker.stop()

    def _attempt(self, request: dict[str, Any]) -> Reply | None:
        """One try; None where the run did not begin."""
        run, their_end = socket.socketpair()
        with run:
            try:
                with their_end:
                    worker = self._hand_over(run, their_end)
                supervisor = _begin(run, request)
                if supervisor is None:
                    self._last_words = worker.last_words()
                    return None
                return self._await_reply(run, supervisor)
            finally:
                with self._lock:
                    self._runs.discard(run)

    def _hand_over(self, run: socket.socket, their_end: socket.socket) -> _Worker:
        with self._lock:
            worker = self._living_worker()
            self._runs.add(run)
            # A worker that has just died shows by the run's socket closing.
            with contextlib.suppress(OSError):
                socket.send_fds(worker.control, [b"r"], [their_end.fileno()])
            return worker

    def _living_worker(self) -> _Worker:
        """The warm process, started (again) where there is none; the lock is held."""
        if self._closed:
            raise SandboxError("the sandbox is closed; make another")
        if self._worker is not None and not self._worker.alive:
            self._listener(Notice(kind="warning", text="the sandbox's process had ended; starting another"))
            self._worker.stop()
            self._worker = None
        if self._worker is None:
            self._worker = _Worker()
        return self._worker

    def _await_reply(self, run: socket.socket, supervisor: int) -> Reply:
        run.settimeout(self._config.seconds + GRACE_SECONDS)
        try:
            reply = receive_frame(run)
        except TimeoutError:
            _kill_tree(supervisor)
            return Reply(timed_out=True, seconds=self._config.seconds + GRACE_SECONDS)
        return Reply(lost=True) if reply is None else Reply.model_validate(reply)


class _Worker:
    """The warm process, seen from outside."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="voyager-sandbox-"))
        self.control, their_end = socket.socketpair()
        command = [sys.executable, "-I", "-X", "utf8", str(WORKER), str(their_end.fileno()), str(self.folder)]
        try:
            with their_end, self._log.open("wb") as log:
                self.process = subprocess.Popen(
                    command,
                    env=ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    pass_fds=[their_end.fileno()],
                    start_new_session=True,
                )
        except OSError as error:
            self._clear()
            raise SandboxError(f"cannot start the sandbox's process: {error}") from error

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def _log(self) -> Path:
        return self.folder / "worker.log"

    def last_words(self) -> str:
        """The last line it wrote, which is the error it ended by."""
        with contextlib.suppress(OSError):
            lines = self._log.read_text(errors="replace").split("\n")
            return next((line for line in reversed(lines) if line.strip()), "no word from it")
        return "no word from it"

    def stop(self) -> None:
        """Let it leave, and see that it and all its descendants have."""
        self.control.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _kill_tree(self.process.pid)
            self.process.wait()
        self._clear()

    def _clear(self) -> None:
        self.control.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _begin(run: socket.socket, request: dict[str, Any]) -> int | None:
    """Send the request; the supervisor's process id once it is about to start the program."""
    run.settimeout(START_SECONDS)
    try:
        send_frame(run, request)
        begun = receive_frame(run)
    except OSError:
        return None
    return None if begun is None else int(begun["begun"])


def _kill_tree(pid: int) -> None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [*root.children(recursive=True), root]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
