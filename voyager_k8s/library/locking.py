"""One writer at a time in a library's folder, over processes and threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from voyager_k8s.core.errors import BusyError, InfrastructureError

__all__ = ["locked"]


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold a lock file, which is made where it is missing, together with its folder.

    Args:
        path: the lock file.
        seconds: how long to wait for another holder.

    Raises:
        BusyError: it was held all that time.
        InfrastructureError: it cannot be made.
    """
    lock = FileLock(path, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=seconds)
    except Timeout as error:
        raise BusyError(f"{path.parent} is held by another process for {seconds:.0f} s; stop it first") from error
    except OSError as error:
        raise InfrastructureError(f"cannot write in {path.parent}: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()
