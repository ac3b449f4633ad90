"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from voyager_k8s.clusters.binaries import Binaries
from voyager_k8s.clusters.embedded import EmbeddedControlPlane, Owner, take_down
from voyager_k8s.clusters.install import install
from voyager_k8s.clusters.settings import EmbeddedSettings, InstallSettings, default_cache
from voyager_k8s.core.progress import silent


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """The control plane's programs; installed first where they are not yet."""
    return install(InstallSettings(), silent)


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries, request: pytest.FixtureRequest) -> Path:
    """The kubeconfig of a running embedded cluster, one for the whole session.

    The workers of pytest-xdist share it: it belongs to the process that started them.
    """
    pid = _session_pid(request.config)
    settings = EmbeddedSettings()
    name, owner = _cluster_name(pid), Owner.of(pid)
    return EmbeddedControlPlane(name, settings, binaries, default_cache(), silent, owner=owner).up()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take the session's cluster down, when all workers are done with it."""
    if not hasattr(session.config, "workerinput"):
        take_down(default_cache(), _cluster_name(os.getpid()))


def _session_pid(config: pytest.Config) -> int:
    """The process that runs pytest, or that has distributed the tests."""
    return os.getppid() if hasattr(config, "workerinput") else os.getpid()


def _cluster_name(pid: int) -> str:
    return f"tests-{pid}"
