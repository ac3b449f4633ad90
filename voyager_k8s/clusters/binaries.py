"""The six programs an embedded cluster consists of, and the three components they come in.

A component is the unit of installing: all its programs are of one version and lie in one folder of
the cache, which is there as a whole or not at all.
"""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path
from typing import Literal

from voyager_k8s.clusters.settings import InstallSettings
from voyager_k8s.core.base import Model
from voyager_k8s.core.errors import PrerequisiteError

__all__ = ["Binaries", "Component", "Machine", "components", "says_version", "this_machine"]

_VERSION = re.compile(r"\bv?(\d+)\.(\d+)\.\d+")


class Binaries(Model):
    """Where each program is."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kwok: Path
    kwokctl: Path

    @classmethod
    def of(cls, paths: dict[str, Path]) -> Binaries:
        """From paths by program name (`kube-apiserver`)."""
        return cls(**{name.replace("-", "_"): path for name, path in paths.items()})


class Component(Model):
    """Programs that are released and built together."""

    name: Literal["kwok", "etcd", "kubernetes"]
    version: str
    programs: tuple[str, ...]

    def folder(self, settings: InstallSettings) -> Path:
        """Where the cache holds it."""
        machine = this_machine()
        return settings.cache / "bin" / f"{self.name}-{self.version}-{machine.system}-{machine.architecture}"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Machine(Model):
    """What programs are released for, in Go's words."""

    system: str
    """`linux`, `darwin`"""
    architecture: str
    """`amd64`, `arm64`"""


def components(settings: InstallSettings) -> tuple[Component, ...]:
    """The components, quickest to build first."""
    return (
        Component(name="kwok", version=settings.kwok_version, programs=("kwok", "kwokctl")),
        Component(name="etcd", version=settings.etcd_version, programs=("etcd",)),
        Component(
            name="kubernetes",
            version=settings.kubernetes_version,
            programs=("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
        ),
    )


def this_machine() -> Machine:
    """The machine this runs on.

    Raises:
        PrerequisiteError: it is of a kind the control plane does not run on.
    """
    system = platform.system().lower()
    names = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    architecture = names.get(platform.machine().lower())
    if system not in ("linux", "darwin") or architecture is None:
        raise PrerequisiteError(
            f"the embedded cluster runs on Linux and macOS, on x86-64 and arm64; this is {platform.system()} "
            f"on {platform.machine()}: use an existing cluster instead"
        )
    return Machine(system=system, architecture=architecture)


def says_version(program: Path, version: str) -> str | None:
    """Run `program --version` and compare the minor version with the one wanted.

    Returns:
        None when it is the same; else what is wrong, as a clause.
    """
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} does not run: {error}"
    found = _VERSION.search(done.stdout)
    if done.returncode != 0 or found is None:
        said = (done.stderr or done.stdout).strip().splitlines()
        return f"`{program} --version` gives no version but: {said[-1] if said else 'nothing'}"
    if list(found.groups()) != version.split(".")[:2]:
        return f"{program} is version {found.group(0)}, not {version}"
    return None
