"""Watches over one run: forks the program, enforces its deadline, ends everything it started, replies.

Standalone like `worker.py`, which loads this file. It also holds the messages' form, for both sides.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import struct
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Buffer", "Supervisor", "adopt_orphans", "end_all", "receive_frame", "send_frame", "serve_run"]

TICK = 0.1
"""Seconds between looks at whether the program's process is still there, where no pipe says so."""
KILL_SECONDS = 5.0
"""Longest that a killed process is waited for."""
REPORT_SLACK = 65_536
"""Bytes of a report besides the result."""
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def send_frame(channel: socket.socket, message: dict[str, Any]) -> None:
    """Send one message: its length in four bytes, then JSON."""
    data = json.dumps(message).encode()
    channel.sendall(struct.pack(">I", len(data)) + data)


def receive_frame(channel: socket.socket) -> dict[str, Any] | None:
    """The next message, or None where the other side has closed."""
    header = _receive_exactly(channel, 4)
    data = None if header is None else _receive_exactly(channel, struct.unpack(">I", header)[0])
    if data is None:
        return None
    message: dict[str, Any] = json.loads(data)
    return message


def _receive_exactly(channel: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        try:
            piece = channel.recv(min(size - len(data), 1 << 20))
        except ConnectionError:
            return None
        if not piece:
            return None
        data += piece
    return bytes(data)


class Buffer:
    """Keeps the first `limit` bytes of what it is given and counts the rest."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.data = bytearray()
        self.dropped = 0

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        kept = piece[: max(0, self.limit - len(self.data))]
        self.data += kept
        self.dropped += len(piece) - len(kept)

    def text(self) -> str:
        """What was kept; bytes that are no UTF-8 are replaced."""
        return self.data.decode("utf-8", errors="replace")

    def framed(self) -> str | None:
        """The text behind a length of four bytes, once all of it is here."""
        if len(self.data) < 4 or len(self.data) < 4 + struct.unpack(">I", self.data[:4])[0]:
            return None
        return self.data[4 : 4 + struct.unpack(">I", self.data[:4])[0]].decode("utf-8", errors="replace")


class Supervisor:
    """Runs one program to its end, in a process that has no other work."""

    def __init__(self, run: socket.socket, request: dict[str, Any]) -> None:
        self.run = run
        self.request = request
        self.output = Buffer(request["limits"]["output_bytes"])
        self.report = Buffer(request["limits"]["result_bytes"] + REPORT_SLACK)
        self.pipes: dict[int, Buffer] = {}
        self.timed_out = False

    def supervise(self, folder: str, guest: ModuleType) -> dict[str, Any] | None:
        """Fork the program, watch it, end everything it started.

        Returns:
            The reply, or None where the parent has gone.
        """
        output, output_end = os.pipe()
        report, report_end = os.pipe()
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            try:
                _tie_to_parent()
                guest.main(self.request, folder, output_end, report_end)
            finally:
                os._exit(1)
        for end in (output_end, report_end):
            os.close(end)
        self.pipes = {output: self.output, report: self.report}
        for pipe in self.pipes:
            os.set_blocking(pipe, False)
        parent_there = self._watch(pid, started + self.request["limits"]["seconds"])
        seconds = time.monotonic() - started
        exit_code = _exit_code(pid)
        end_all(pid)
        self._drain()
        return self._reply(seconds, exit_code) if parent_there else None

    def _watch(self, pid: int, deadline: float) -> bool:
        """Read until the program reports, ends, or is out of time; False when the parent has gone."""
        while self.report.framed() is None and _exit_code(pid) is None:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                self.timed_out = True
                return True
            sources: list[int] = [self.run.fileno(), *self.pipes]
            ready, _, _ = select.select(sources, [], [], min(TICK, remaining))
            if self.run.fileno() in ready:
                return False
            for pipe in ready:
                self._read(pipe)
        return True

    def _read(self, pipe: int) -> bool:
        """Take what the pipe holds; False where nothing is left for now, or for good."""
        try:
            piece = os.read(pipe, 1 << 16)
        except BlockingIOError:
            return False
        if not piece:
            # Closed by the program while it runs on: select would report it for ever.
            del self.pipes[pipe]
            return False
        self.pipes[pipe].add(piece)
        return True

    def _drain(self) -> None:
        """Take what was written before the end; nobody writes any more, so this ends."""
        for pipe in list(self.pipes):
            while self._read(pipe):
                pass

    def _reply(self, seconds: float, exit_code: int | None) -> dict[str, Any]:
        return {
            "report": self.report.framed(),
            "timed_out": self.timed_out,
            "exit_code": exit_code,
            "output": self.output.text(),
            "dropped": self.output.dropped,
            "seconds": seconds,
        }


def _tie_to_parent() -> None:
    """Die with the supervisor, and gain no rights by a set-uid file."""
    supervisor = os.getppid()
    _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != supervisor:
        os._exit(1)


def _exit_code(pid: int) -> int | None:
    """The exit code (a signal's number negated) of a process that has ended; it is left unreaped, so that
    its number, which is also its group's, is not given to another."""
    state = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if state is None:
        return None
    return state.si_status if state.si_code == os.CLD_EXITED else -state.si_status


def end_all(group: int | None = None, patience: float = 0.0) -> None:
    """Kill a process group, then whatever else is or becomes our child, until none is left.

    Args:
        group: also the number of its leader, our child; None: there is no group to kill.
        patience: seconds that our children get to leave by themselves.
    """
    if group is not None:
        # The leader by itself too: it may not have made the group yet.
        os.kill(group, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        os.waitpid(group, 0)
    started = time.monotonic()
    while (waited := time.monotonic() - started) < patience + KILL_SECONDS:
        try:
            reaped, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if reaped == 0:
            for child in _children() if waited >= patience else ():
                os.kill(child, signal.SIGKILL)
            time.sleep(0.001)


def _children() -> list[int]:
    """Our own children: unreaped, so their numbers are still theirs."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                fields = Path("/proc", entry, "stat").read_text(errors="replace").rpartition(")")[2].split()
                if int(fields[1]) == os.getpid():
                    found.append(int(entry))
    return found


def adopt_orphans() -> None:
    """Become the parent of any descendant that loses its own (a "child subreaper", prctl(2))."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def serve_run(run: socket.socket, root: str, guest: ModuleType) -> None:
    """All that a supervisor does, from the request to the reply."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    adopt_orphans()
    request = receive_frame(run)
    if request is None:
        return
    folder = tempfile.mkdtemp(prefix="run-", dir=root)
    try:
        send_frame(run, {"begun": os.getpid()})
        reply = Supervisor(run, request).supervise(folder, guest)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if reply is not None:
        send_frame(run, reply)
