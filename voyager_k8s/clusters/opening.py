"""From configuration to a cluster that hands out workspaces."""

from __future__ import annotations

from pathlib import Path

from voyager_k8s.clusters.embedded import EmbeddedControlPlane
from voyager_k8s.clusters.install import install
from voyager_k8s.clusters.kubernetes_cluster import KubernetesCluster
from voyager_k8s.clusters.processes import Owner
from voyager_k8s.clusters.settings import EmbeddedSettings, InstallSettings
from voyager_k8s.core.config import ClusterConfig
from voyager_k8s.core.progress import Listener, silent

__all__ = ["open_cluster"]


def open_cluster(
    config: ClusterConfig, name: str, cache: Path | None = None, listener: Listener = silent
) -> KubernetesCluster:
    """The configured cluster, not started yet. Its programs are installed first where they are missing; its
    start cleans what killed processes left behind.

    Args:
        name: of an embedded cluster; it belongs to this process unless it is to be kept.
        cache: where clusters and their programs are; None: this user's cache folder.

    Raises:
        ClusterError: the programs could neither be downloaded nor built.
        PrerequisiteError: something must be installed first.
    """
    installing = InstallSettings() if cache is None else InstallSettings(cache=cache)
    binaries = install(installing, listener)
    control_plane = EmbeddedControlPlane(
        name,
        EmbeddedSettings(nodes=config.nodes),
        binaries,
        installing.cache,
        listener,
        owner=None if config.keep else Owner.this_process(),
    )
    return KubernetesCluster(control_plane, config, listener)
