"""Hands a cluster to kwokctl: its configuration, its start, and what its programs say when they die."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psutil
import yaml

from voyager_k8s.clusters import stages
from voyager_k8s.clusters.binaries import Binaries
from voyager_k8s.clusters.cluster_state import Place, Record
from voyager_k8s.clusters.processes import runs
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.errors import ClusterError, PrerequisiteError

__all__ = ["PORT_TAKEN", "PROGRAMS", "dead_programs", "last_words", "launch", "relaunch"]

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")
"""By the names kwokctl gives them."""
PORT_TAKEN = "address already in use"
_LOG_LINE = (
    "2000-01-01T00:00:00.000000000Z stdout F this cluster's nodes are simulated: no program runs in this container\n"
)
_SECONDS = 60.0
"""kwokctl itself takes a quarter of one."""


def launch(place: Place, record: Record, binaries: Binaries) -> None:
    """Start all programs of a new cluster; they are not ready yet when this returns.

    Raises:
        ClusterError: kwokctl failed.
    """
    (place.folder / "bin").mkdir(parents=True)
    place.folder.chmod(0o700)  # the administrator's keys lie in it
    (place.own / "home").mkdir()
    log = place.own / "container.log"
    log.write_text(_LOG_LINE, "utf-8")
    documents = [_kwokctl_options(place, record, binaries), stages.log_rules(log), *stages.stages()]
    (place.own / "kwok.yaml").write_text(yaml.safe_dump_all(documents), "utf-8")
    # By a link in bin/, so that a kwokctl cut short is found as the cluster's own, too.
    (place.folder / "bin" / "kwokctl").symlink_to(binaries.kwokctl)
    _kwokctl(place, "create", "cluster", "--kubeconfig", "", "--config", str(place.own / "kwok.yaml"))


def relaunch(place: Place) -> None:
    """Start those programs of a cluster again that have died."""
    _kwokctl(place, "start", "cluster")


def dead_programs(place: Place) -> list[str]:
    """The programs that kwokctl has started and that run no more."""
    return [path.stem for path in (place.folder / "pids").glob("*.pid") if not _runs(path)]


def _runs(pid_file: Path) -> bool:
    try:
        return runs(psutil.Process(int(pid_file.read_text("utf-8"))))
    except (psutil.NoSuchProcess, ValueError):
        return False


def last_words(place: Place, program: str, lines: int = 6) -> str:
    """The end of a program's log."""
    try:
        text = (place.folder / "logs" / f"{program}.log").read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _kwokctl(place: Place, *arguments: str) -> None:
    home = place.own / "home"
    # Nothing of the caller's environment: kwokctl would take settings from it, look for kubectl on PATH,
    # and hand proxies on to the programs, which only talk to each other.
    environment = {"KWOK_WORKDIR": str(place.state), "HOME": str(home), "PATH": str(home)}
    command = [str(place.folder / "bin" / "kwokctl"), *arguments, "--name", place.name]
    try:
        done = subprocess.run(
            command, env=environment, cwd=place.own, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"kwokctl could not start cluster {place.name}: {error}") from error
    if done.returncode != 0:
        said = " / ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise ClusterError(f"kwokctl could not start cluster {place.name}: {said}")


def _kwokctl_options(place: Place, record: Record, binaries: Binaries) -> Manifest:
    ports = record.ports
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": {
            "runtime": "binary",
            "kubeVersion": f"v{record.kubernetes_version}",
            "etcdBinary": str(binaries.etcd),
            "kubeApiserverBinary": str(binaries.kube_apiserver),
            "kubeControllerManagerBinary": str(binaries.kube_controller_manager),
            "kubeSchedulerBinary": str(binaries.kube_scheduler),
            "kwokControllerBinary": str(binaries.kwok),
            "kubectlBinary": str(_no_kubectl()),
            "cacheDir": str(place.own / "home"),
            "bindAddress": "127.0.0.1",
            "etcdPort": ports.etcd,
            "etcdPeerPort": ports.etcd_peer,
            "kubeApiserverPort": ports.kube_apiserver,
            "kubeControllerManagerPort": ports.kube_controller_manager,
            "kubeSchedulerPort": ports.kube_scheduler,
            "kwokControllerPort": ports.kwok,
            "securePort": True,
            "kubeAuthorization": True,
            "kubeAdmission": True,
            "disableQPSLimits": True,
        },
        "componentsPatches": [_extra(place, name, arguments) for name, arguments in _EXTRA_ARGUMENTS.items()],
    }


_EXTRA_ARGUMENTS = {
    # The world is thrown away in the end: nothing has to survive a power cut.
    "etcd": {"unsafe-no-fsync": "true", "log-level": "warn"},
    "kube-apiserver": {
        # Without a network the address cannot be found out; a loopback address is refused for Endpoints.
        "advertise-address": "172.18.0.2",
        "service-cluster-ip-range": "10.96.0.0/16",
        "kubelet-preferred-address-types": "ExternalDNS",
    },
    # One of each: an election would only cost a second. The CA signs CertificateSigningRequests.
    "kube-controller-manager": {
        "leader-elect": "false",
        "cluster-signing-cert-file": "{pki}/ca.crt",
        "cluster-signing-key-file": "{pki}/ca.key",
        "horizontal-pod-autoscaler-sync-period": "1s",  # by default 15 s pass until an autoscaler does anything
    },
    "kube-scheduler": {"leader-elect": "false"},
}


def _extra(place: Place, name: str, arguments: dict[str, str]) -> Manifest:
    values = {key: value.format(pki=place.folder / "pki") for key, value in arguments.items()}
    return {"name": name, "extraArgs": [{"key": key, "value": value} for key, value in values.items()]}


def _no_kubectl() -> Path:
    """kwokctl polls the new cluster by kubectl, which it would download; `readiness` does that here, and
    sooner. So in kubectl's place stands a program that always succeeds."""
    program = shutil.which("true", path="/usr/bin:/bin")
    if program is None:
        raise PrerequisiteError("the program `true` is in neither /usr/bin nor /bin; install coreutils")
    return Path(program)
