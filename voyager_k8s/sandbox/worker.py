"""The warm process: imports `kubernetes` once, then forks a supervisor for each run, which forks the program.

Standalone: run as a file by `python -I`, it imports the standard library, `kubernetes` and its neighbours
`supervisor.py` and `guest.py` only, so that it also works where this package is not installed.

    parent ──control socket── warm process          one message per run: a descriptor of the run's own socket
       └─────run's socket──── supervisor            request in; `begun`, then the reply out
                                 └── program        output pipe, report pipe

Supervisors adopt orphans: whatever a program leaves behind becomes its supervisor's child, also from another
session, and is killed before the reply is sent. When the parent dies its ends of the sockets close, and
supervisors and the warm process clean up and leave.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import os
import select
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType, ModuleType

__all__ = ["main"]

LEAVE_SECONDS = 2.0
"""What supervisors get to end their programs when the sandbox closes."""
# Since 37.0 the client imports its API classes and models on first use (0.3 s for CoreV1Api alone), so the
# ones that programs use are touched while there is nothing else to do.
PRELOAD = (
    "CoreV1Api",
    "AppsV1Api",
    "BatchV1Api",
    "RbacAuthorizationV1Api",
    "NetworkingV1Api",
    "CustomObjectsApi",
    "AutoscalingV2Api",
    "PolicyV1Api",
    "StorageV1Api",
    "DiscoveryV1Api",
    "EventsV1Api",
    "AuthorizationV1Api",
    "CoordinationV1Api",
    "SchedulingV1Api",
    "VersionApi",
)


def _receive_run(control: socket.socket) -> socket.socket | None:
    """The next run's socket, or None when the parent has closed."""
    try:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    except ConnectionError:
        return None
    return socket.socket(fileno=descriptors[0]) if message and descriptors else None


def _preload(waiting: list[str]) -> None:
    client = importlib.import_module("kubernetes.client")
    getattr(client, waiting.pop(0), None)
    if not waiting:
        # What is alive now stays alive: keep the collector from touching, and so copying, shared pages.
        gc.collect()
        gc.freeze()


def _serve(control: socket.socket, root: str, supervisor: ModuleType, guest: ModuleType) -> None:
    waiting = list(PRELOAD)
    while True:
        if waiting and not select.select([control], [], [], 0)[0]:
            _preload(waiting)
            continue
        run = _receive_run(control)
        if run is None:
            return
        if os.fork() == 0:
            control.close()
            supervisor.serve_run(run, root, guest)
            os._exit(0)
        run.close()


def _reap(number: int, frame: FrameType | None) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _neighbour(name: str) -> ModuleType:
    """The module of that file name beside this file, wherever that is."""
    spec = importlib.util.spec_from_file_location(f"voyager_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(descriptor: int, root: str) -> None:
    """Serve runs until the control socket closes, see the supervisors off and remove the folder `root`."""
    control = socket.socket(fileno=descriptor)
    supervisor, guest = _neighbour("supervisor"), _neighbour("guest")
    importlib.import_module("kubernetes.client")
    signal.signal(signal.SIGCHLD, _reap)
    # A supervisor that was killed leaves what it watched over to us.
    supervisor.adopt_orphans()
    _serve(control, root, supervisor, guest)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    supervisor.end_all(patience=LEAVE_SECONDS)
    shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
