"""Reserves free TCP ports for clusters that are being started.

Between choosing a port and binding it lies the start of a program. All starts on the machine choose
under one file lock and write down what they chose, so two that begin at the same moment never choose
the same; a port that some other program holds shows by not being bindable.
"""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from voyager_k8s.clusters.disk import disk_error
from voyager_k8s.clusters.processes import Owner
from voyager_k8s.clusters.settings import EmbeddedSettings
from voyager_k8s.core.base import Model
from voyager_k8s.core.errors import ClusterError

__all__ = ["is_free", "reserved_ports"]


class _Reservation(Model):
    ports: tuple[int, ...]
    owner: Owner
    """The process that is starting a cluster on them."""


_RESERVATIONS = TypeAdapter(list[_Reservation])


@contextmanager
def reserved_ports(count: int, settings: EmbeddedSettings) -> Iterator[tuple[int, ...]]:
    """Free ports that no other start will choose while this block runs; by its end they should be bound.

    Raises:
        ClusterError: too few ports of the range are free.
    """
    mine = _reserve(count, settings)
    try:
        yield mine.ports
    finally:
        with _list(settings) as reservations:
            reservations[:] = [other for other in reservations if other != mine]


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Go's listeners do: else the remains of closed connections make a free port look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _reserve(count: int, settings: EmbeddedSettings) -> _Reservation:
    with _list(settings) as reservations:
        taken = {port for reservation in reservations for port in reservation.ports}
        ports = _choose(count, settings, taken)
        mine = _Reservation(ports=ports, owner=Owner.this_process())
        reservations.append(mine)
        return mine


def _choose(count: int, settings: EmbeddedSettings, taken: set[int]) -> tuple[int, ...]:
    candidates = list(range(settings.first_port, settings.last_port + 1))
    random.shuffle(candidates)
    chosen: list[int] = []
    for port in candidates:
        if len(chosen) == count:
            break
        if port not in taken and is_free(port):
            chosen.append(port)
    if len(chosen) < count:
        raise ClusterError(
            f"a cluster needs {count} free ports, and of {settings.first_port} to {settings.last_port} only "
            f"{len(chosen)} are: stop what uses them (`voyager-k8s cluster down --all`), or set another range"
        )
    return tuple(chosen)


@contextmanager
def _list(settings: EmbeddedSettings) -> Iterator[list[_Reservation]]:
    """The reservations of living processes, locked; changes are written back."""
    from filelock import FileLock

    path = settings.ports_folder / f"voyager-k8s-ports-{os.getuid()}.json"
    try:
        with FileLock(path.with_suffix(".lock")):
            reservations = _read(path)
            yield reservations
            temporary = path.with_suffix(".new")
            temporary.write_bytes(_RESERVATIONS.dump_json(reservations))
            temporary.replace(path)
    except OSError as error:
        raise disk_error(error, settings.ports_folder) from error


def _read(path: Path) -> list[_Reservation]:
    try:
        reservations = _RESERVATIONS.validate_python(json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, ValueError, ValidationError):
        return []  # nothing is lost: a taken port also shows by not being bindable
    return [reservation for reservation in reservations if reservation.owner.alive]
