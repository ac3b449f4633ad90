"""A Kubernetes cluster of local processes: started, reused, taken down without a trace.

A cluster belongs to the process that started it, or to nobody (`voyager-k8s cluster up`). What a killed
owner leaves behind is found by the next start of that name, and by `collect_garbage`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import psutil

from voyager_k8s.clusters.binaries import Binaries
from voyager_k8s.clusters.cluster_state import ClusterStatus, Place, Ports, Record
from voyager_k8s.clusters.disk import disk_error
from voyager_k8s.clusters.launch import PORT_TAKEN, PROGRAMS, dead_programs, last_words, launch, relaunch
from voyager_k8s.clusters.network_ports import reserved_ports
from voyager_k8s.clusters.processes import Owner, kill_all, processes_of, program_of
from voyager_k8s.clusters.settings import EmbeddedSettings
from voyager_k8s.core.errors import BusyError, ClusterError
from voyager_k8s.core.progress import Listener, Notice

__all__ = ["ClusterStatus", "EmbeddedControlPlane", "Owner", "collect_garbage", "list_clusters", "take_down"]

_MIB = 1024 * 1024
_RELAUNCHES = 5
"""A controller gives up when the API server is not there within 10 s, which happens on a busy machine."""


class _PortTaken(ClusterError):
    """Another program holds one of the ports; others are tried."""


class EmbeddedControlPlane:
    """One embedded cluster, by name.

    Args:
        name: small letters, digits and `-`.
        state: clusters lie in `clusters/` of this folder.
        kubernetes_version: as the binaries say, without `v`.
        owner: the process to which it belongs; None: it stays until it is taken down.
    """

    def __init__(
        self,
        name: str,
        settings: EmbeddedSettings,
        binaries: Binaries,
        state: Path,
        listener: Listener,
        *,
        kubernetes_version: str = "1.36.1",
        owner: Owner | None = None,
    ) -> None:
        self._place = Place.of(state, name)
        self._settings = settings
        self._binaries = binaries
        self._listener = listener
        self._version = kubernetes_version
        self._owner = owner
        self._started = False

    @property
    def started(self) -> bool:
        """Whether `up` of this object started the cluster (false: it found a running one)."""
        return self._started

    def up(self) -> Path:
        """Start the cluster and wait until it is ready; a ready one of this name is used as it is. What killed
        processes left of theirs is cleaned up first.

        Returns:
            The administrator's kubeconfig.

        Raises:
            BusyError: the running one of this name belongs to another living process.
            ClusterError: it did not start; the message says why, with the last lines of a dead program's log.
        """
        collect_garbage(self._place.state)
        with self._place.locked():
            if not self._usable():
                _remove(self._place)
                self._start()
                self._started = True
        return self._place.kubeconfig

    def down(self) -> None:
        """Kill the cluster's processes and remove its files; does nothing where there are none."""
        with self._place.locked(forget=True):
            _remove(self._place)
        self._started = False

    def reset(self) -> Path:
        """A clean world: the cluster is taken down and started anew, with the owner it had.

        Returns:
            The administrator's kubeconfig: the same path, with new ports and keys in it.
        """
        with self._place.locked():
            _refuse_others(self._place, self._owner)
            _remove(self._place)
            self._start()
            self._started = True
        return self._place.kubeconfig

    def status(self) -> ClusterStatus:
        """The cluster as it is now."""
        return _status(self._place)

    def _usable(self) -> bool:
        record = _refuse_others(self._place, self._owner)
        alive = record is not None and (record.owner is None or record.owner.alive)
        return alive and _status(self._place).ready

    def _start(self) -> None:
        self._check_disk()
        for attempt in range(1, self._settings.attempts + 1):
            try:
                self._start_once()
                return
            except _PortTaken as error:
                _remove(self._place)
                if attempt == self._settings.attempts:
                    raise
                self._listener(Notice(kind="warning", text=f"{error}; trying others"))
            except OSError as error:
                _remove(self._place)
                raise disk_error(error, self._place.folder) from error
            except BaseException:  # Ctrl-C as well: nothing half-started is left
                _remove(self._place)
                raise

    def _start_once(self) -> None:
        self._listener(Notice(kind="cluster", text=f"starting Kubernetes {self._version} ({self._place.name})"))
        with reserved_ports(len(Ports.model_fields), self._settings) as numbers:
            record = Record(
                owner=self._owner or Owner.this_process(),  # until it is ready: killed meanwhile, it is an orphan
                ports=Ports(**dict(zip(Ports.model_fields, numbers, strict=True))),
                nodes=self._settings.nodes,
                kubernetes_version=self._version,
            )
            self._place.write(record)
            launch(self._place, record, self._binaries)
            from voyager_k8s.clusters.readiness import wait_until_ready  # httpx, loaded while the programs start

            wait_until_ready(self._place, record, self._settings.start_seconds, _watchdog(self._place))
        self._place.write(record.model_copy(update={"ready": True, "owner": self._owner}))
        self._listener(Notice(kind="cluster", text=f"cluster {self._place.name} is ready"))

    def _check_disk(self) -> None:
        try:
            self._place.state.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._place.state).free // _MIB
        except OSError as error:
            raise disk_error(error, self._place.state) from error
        if free < self._settings.free_mib:
            raise ClusterError(
                f"{self._place.state} has {free} MiB free, a cluster needs {self._settings.free_mib}: "
                f"free some, or choose another folder"
            )


def list_clusters(state: Path) -> list[ClusterStatus]:
    """Every cluster there is anything of, by name."""
    return [_status(place) for place in Place.all(state)]


def take_down(state: Path, name: str) -> bool:
    """Take one cluster down, whoever owns it.

    Returns:
        Whether there was anything of it.
    """
    place = Place.of(state, name)
    with place.locked(forget=True):
        there = place.folder.exists() or bool(processes_of(place.folder))
        _remove(place)
    return there


def collect_garbage(state: Path) -> list[str]:
    """Remove the clusters whose owner is dead, and those whose start was cut short.

    Returns:
        Their names.
    """
    removed = []
    for place in Place.all(state):
        try:
            if _is_garbage(place) and _collect(place):
                removed.append(place.name)
        except BusyError:  # it is being started, so it is none
            continue
    return removed


def _collect(place: Place) -> bool:
    with place.locked(forget=True, wait=False):
        garbage = _is_garbage(place)  # as against: started anew before the lock was had
        if garbage:
            _remove(place)
    return garbage


def _is_garbage(place: Place) -> bool:
    record = place.read()
    if record is None:
        return place.folder.exists()
    return record.owner is not None and not record.owner.alive


def _refuse_others(place: Place, owner: Owner | None) -> Record | None:
    record = place.read()
    if record is not None and record.owner is not None and record.owner != owner and record.owner.alive:
        raise BusyError(
            f"cluster {place.name} belongs to process {record.owner.pid}, which is running: "
            f"take another name, or stop that process"
        )
    return record


def _status(place: Place) -> ClusterStatus:
    record = place.read()
    running = _running(place)
    complete = set(PROGRAMS) <= set(running)
    return ClusterStatus(
        name=place.name,
        running=complete,
        ready=complete and record is not None and record.ready and _says_ready(place, record),
        server=f"https://127.0.0.1:{record.ports.kube_apiserver}" if record and complete else "",
        kubernetes_version=record.kubernetes_version if record else "",
        nodes=record.nodes if record else 0,
        pids={name: process.pid for name, process in running.items()},
        owner_pid=record.owner.pid if record and record.owner else None,
        kubeconfig=place.kubeconfig,
        folder=place.folder,
    )


def _says_ready(place: Place, record: Record) -> bool:
    from voyager_k8s.clusters.readiness import AdminApi

    try:
        with AdminApi(place, record.ports.kube_apiserver) as api:
            return api.is_ready()
    except OSError:  # its certificates are gone
        return False


def _running(place: Place) -> dict[str, psutil.Process]:
    return {name: process for process in processes_of(place.folder) if (name := program_of(process))}


def _watchdog(place: Place) -> Callable[[], None]:
    """A check for programs that die while the cluster is awaited."""
    relaunched = 0

    def check() -> None:
        nonlocal relaunched
        for name in dead_programs(place):
            words = last_words(place, name)
            if PORT_TAKEN in words:
                raise _PortTaken(f"{name} of cluster {place.name} found its port taken by another program")
            if name in ("etcd", "kube-apiserver") or relaunched >= _RELAUNCHES:
                raise ClusterError(f"{name} of cluster {place.name} died at its start. Its log ends with:\n{words}")
            relaunched += 1
            relaunch(place)

    return check


def _remove(place: Place) -> None:
    """Kill what runs of a cluster, then remove its files."""
    while found := processes_of(place.folder):  # again, for what a kwokctl started before it was killed
        if stubborn := kill_all(found):
            pids = ", ".join(str(process.pid) for process in stubborn)
            raise ClusterError(f"processes {pids} of cluster {place.name} cannot be killed; try as their user")
    shutil.rmtree(place.folder, ignore_errors=True)
    if place.folder.exists():
        raise ClusterError(f"{place.folder} cannot be removed; remove it by hand")
