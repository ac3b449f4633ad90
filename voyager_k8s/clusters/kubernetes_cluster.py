"""Any cluster that a kubeconfig reaches, as a source of workspaces."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from voyager_k8s.clusters import identity
from voyager_k8s.clusters.api import Api
from voyager_k8s.clusters.expressions import warm_up
from voyager_k8s.clusters.session import NOISE, Session
from voyager_k8s.clusters.workspace import KubernetesWorkspace, open_workspace
from voyager_k8s.core.config import ClusterConfig
from voyager_k8s.core.errors import ClusterError
from voyager_k8s.core.progress import Listener, silent
from voyager_k8s.core.world import ClusterFacts

__all__ = ["ControlPlane", "KubernetesCluster"]


class ControlPlane(Protocol):
    """What starts and stops the API server."""

    def up(self) -> Path:
        """Make it run; does nothing where it does.

        Returns:
            The kubeconfig that reaches it.

        Raises:
            ClusterError: it cannot be started.
            PrerequisiteError: something must be installed first.
        """

    def down(self) -> None:
        """End it."""


class KubernetesCluster:
    """Implements `core.ports.Cluster`."""

    def __init__(self, control_plane: ControlPlane, config: ClusterConfig, listener: Listener = silent) -> None:
        self._control_plane, self._config, self._listener = control_plane, config, listener
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._prepared: dict[str, Future[KubernetesWorkspace]] = {}

    def start(self) -> None:
        """Bring the control plane up and connect; does nothing where that is done."""
        with self._lock:
            if self._session is None:
                self._session = self._connect()
                self._session.in_background(warm_up)

    def _connect(self) -> Session:
        """Nothing is left running that nobody is connected to."""
        kubeconfig = self._control_plane.up()
        try:
            return _connect(kubeconfig, self._config, self._listener)
        except ClusterError:
            if not self._config.keep:
                self._control_plane.down()
            raise

    def facts(self) -> ClusterFacts:
        """What it offers."""
        session = self._running()
        nodes = session.catalogue().find("v1", "Node")
        names = sorted(each["metadata"]["name"] for each in session.api.list(nodes).items) if nodes else []
        kinds = sorted(
            each.title
            for each in session.catalogue().namespaced()
            if "create" in each.verbs and each.kind not in NOISE and each.kind != "EndpointSlice"
        )
        return ClusterFacts(
            version=session.api.version(), nodes=tuple(names), kinds=tuple(kinds), notes=self._config.notes
        )

    def prepare(self, name: str) -> None:
        """Begin to make a workspace in the background; what goes wrong is raised by `workspace`."""
        session = self._running()
        with self._lock:
            if name not in self._prepared:
                self._prepared[name] = session.in_background(lambda: open_workspace(session, name))

    def workspace(self, name: str) -> KubernetesWorkspace:
        """A fresh workspace, or the one that was prepared under this name.

        Raises:
            ClusterError: it cannot be made.
        """
        session = self._running()
        with self._lock:
            prepared = self._prepared.pop(name, None)
        return prepared.result() if prepared else open_workspace(session, name)

    def stop(self) -> None:
        """Close prepared workspaces and the connection; end the control plane, unless it is to be kept."""
        with self._lock:
            session, self._session = self._session, None
            prepared, self._prepared = self._prepared, {}
        if session is None:
            return
        try:
            for each in prepared.values():
                _close(each)
            session.close()
        finally:
            if not self._config.keep:
                self._control_plane.down()

    def _running(self) -> Session:
        if self._session is None:
            raise ClusterError("the cluster is not started; call start() first")
        return self._session


def _connect(kubeconfig: Path, config: ClusterConfig, listener: Listener) -> Session:
    api = Api(kubeconfig)
    try:
        identity.lay_ground(api)
        return Session(api, config, listener)
    except ClusterError:
        api.close()
        raise


def _close(prepared: Future[KubernetesWorkspace]) -> None:
    """One that could not be made needs no closing."""
    try:
        prepared.result().close()
    except ClusterError:
        return
