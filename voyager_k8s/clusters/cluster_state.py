"""What is on disk of the embedded clusters: one folder each, and in it a record of who started it.

`<state>/clusters/<name>/` is also kwokctl's folder for the cluster (with the programs' links, logs,
certificates and etcd's data), so that one `rmtree` leaves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from voyager_k8s.clusters.disk import disk_error
from voyager_k8s.clusters.processes import Owner
from voyager_k8s.core.base import Model
from voyager_k8s.core.errors import BusyError, UsageError

__all__ = ["ClusterStatus", "Place", "Ports", "Record"]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")


class Ports(Model):
    """Each on the loopback address."""

    etcd: int
    etcd_peer: int
    kube_apiserver: int
    kube_controller_manager: int
    kube_scheduler: int
    kwok: int


class Record(Model):
    """Written before a cluster's first process is started."""

    owner: Owner | None
    """The process it belongs to; None: it stays until it is taken down by hand."""
    ports: Ports
    nodes: int
    kubernetes_version: str
    ready: bool = False
    """Whether it once was."""


class ClusterStatus(Model):
    """One embedded cluster, as it is now."""

    name: str
    running: bool
    """All its processes are there."""
    ready: bool
    """Running, and the API server says so."""
    server: str
    """The API server's URL; empty when there is none."""
    kubernetes_version: str
    nodes: int
    """Simulated nodes it was started with."""
    pids: dict[str, int]
    """By program."""
    owner_pid: int | None
    """The process it belongs to; None: started by hand."""
    kubeconfig: Path
    folder: Path


class Place(Model):
    """Where one cluster lies."""

    state: Path
    name: str

    @classmethod
    def of(cls, state: Path, name: str) -> Place:
        """Check the name.

        Raises:
            UsageError: it cannot be a cluster's name.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"cluster name {name!r}: use small letters, digits and `-` (not first or last), at most 52 in all"
            )
        return cls(state=state.absolute(), name=name)

    @classmethod
    def all(cls, state: Path) -> list[Place]:
        """Every cluster there is anything of, by name."""
        folders = sorted((state / "clusters").glob("*/"))
        return [cls(state=state.absolute(), name=folder.name) for folder in folders if _NAME.fullmatch(folder.name)]

    @property
    def folder(self) -> Path:
        """The cluster's own."""
        return self.state / "clusters" / self.name

    @property
    def kubeconfig(self) -> Path:
        """Of its administrator; written by kwokctl."""
        return self.folder / "kubeconfig.yaml"

    @property
    def own(self) -> Path:
        """What this package writes, as against kwokctl."""
        return self.folder / "voyager"

    def read(self) -> Record | None:
        """The record; None where there is none, or no whole one (its writer was killed)."""
        try:
            return Record.model_validate_json((self.own / "record.json").read_text("utf-8"))
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, record: Record) -> None:
        """Replace the record, whole or not at all."""
        self.own.mkdir(parents=True, exist_ok=True)
        temporary = self.own / "record.new"
        temporary.write_text(record.model_dump_json(indent=2), "utf-8")
        temporary.replace(self.own / "record.json")

    @contextmanager
    def locked(self, *, forget: bool = False, wait: bool = True) -> Iterator[None]:
        """One process at a time starts or stops a cluster of this name.

        Args:
            forget: remove the lock's file with the lock (nothing is to be left of the cluster).
            wait: for another process that holds it.

        Raises:
            BusyError: another process holds it, and `wait` is false.
        """
        from filelock import FileLock, Timeout

        path = self.state / "locks" / f"{self.name}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path).acquire(timeout=-1 if wait else 0, poll_interval=0.02)
        except Timeout as error:
            raise BusyError(f"cluster {self.name} is being started or stopped by another process") from error
        except OSError as error:
            raise disk_error(error, self.state) from error
        with lock:
            yield
            if forget:  # safe while it is held: who waits for the old file notices, and makes a new one
                path.unlink(missing_ok=True)
