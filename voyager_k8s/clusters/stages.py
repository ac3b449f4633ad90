"""The simulated nodes: `environments/embedded/` turned into kwok's configuration and Node objects.

What a node would know of images and commands is written once, as regular expressions, and put into
the jq expressions (which select Pods) and the Go templates (which write their statuses) as `@NAME@`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from voyager_k8s.core.base import Manifest
from voyager_k8s.core.data import data_folder

__all__ = ["bootstrap_manifests", "image_pattern", "log_rules", "node", "stages"]

_ADDRESS = "172.18.0.{}"
"""The simulated nodes' network: the control plane's is 2, the first node's 3."""


def stages() -> list[Manifest]:
    """kwok Stages: how Pods, Nodes, claims and volumes change by themselves."""
    folder = _folder() / "stages"
    functions = _filled(folder / "functions.jq")
    helpers = _filled(folder / "helpers.gotmpl")
    found = [yaml.safe_load(_filled(path)) for path in sorted(folder.glob("*.yaml"))]
    for stage in found:
        if stage["spec"]["resourceRef"]["kind"] == "Pod":
            _complete(stage["spec"], functions, helpers)
    return found


def image_pattern() -> str:
    """The regular expression (RE2) of images that exist, of a whole reference."""
    patterns = _patterns()
    repositories = "|".join(patterns["repositories"])
    prefix = "(docker[.]io/(library/)?)?"
    number, word = patterns["number"], patterns["word"]
    version = f"v?({number})([.]({number})){{0,3}}"
    part = f"({version}|(({word})({version})?)|{version}({word})({version})?)"
    tag = f"{part}(-{part}){{0,4}}"
    return f"^{prefix}({repositories})(:{tag})?(@sha256:[0-9a-f]{{64}})?$"


def log_rules(file: Path) -> Manifest:
    """kwok's answer to a request for any container's log: the content of `file`, in the CRI's log format."""
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "every-container"},
        "spec": {"logs": [{"logsFile": str(file), "previousLogsFile": str(file), "follow": False}]},
    }


def bootstrap_manifests() -> list[Manifest]:
    """Cluster-scoped objects that every embedded cluster has from the beginning."""
    return [yaml.safe_load(path.read_text("utf-8")) for path in sorted((_folder() / "manifests").glob("*.yaml"))]


def node(number: int, kubernetes_version: str) -> Manifest:
    """The simulated node `node-<number>` (from 1), as its kubelet would register it."""
    name = f"node-{number}"
    resources = {"cpu": "8", "memory": "16Gi", "ephemeral-storage": "100Gi", "pods": "110"}
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/region": "local",
        "topology.kubernetes.io/zone": f"local-{number}",
    }
    network = f"10.244.{number}.0/24"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": network, "podCIDRs": [network]},
        "status": {
            "capacity": resources,
            "allocatable": resources,
            "addresses": _addresses(name, number),
            "nodeInfo": _node_info(name, kubernetes_version),
        },
    }


def _addresses(name: str, number: int) -> list[Manifest]:
    return [
        {"type": "InternalIP", "address": _ADDRESS.format(2 + number)},
        {"type": "Hostname", "address": name},
        {"type": "ExternalDNS", "address": "localhost"},  # where the API server finds its kubelet, which is kwok
    ]


def _node_info(name: str, kubernetes_version: str) -> dict[str, str]:
    return {
        "architecture": "amd64",
        "operatingSystem": "linux",
        "osImage": "simulated by kwok",
        "kernelVersion": "0.0.0-simulated",
        "containerRuntimeVersion": "containerd://0.0.0-simulated",
        "kubeletVersion": f"v{kubernetes_version}",
        "kubeProxyVersion": "",
        "machineID": name,
        "systemUUID": name,
        "bootID": name,
    }


def _complete(spec: dict[str, Any], functions: str, helpers: str) -> None:
    for expression in spec["selector"]["matchExpressions"]:
        expression["key"] = functions + expression["key"]
    for step in spec["steps"]:
        for action in ("patch", "apply"):
            if action in step:
                step[action]["template"] = helpers + step[action]["template"]


def _filled(path: Path) -> str:
    """A file's text with every `@NAME@` replaced."""
    patterns = _patterns()
    values = {"IMAGE": image_pattern(), "FAILS": patterns["fails"], "LASTS": patterns["lasts"]}
    return re.sub(r"@([A-Z]+)@", lambda match: _quoted(values[match[1]]), path.read_text("utf-8"))


def _quoted(pattern: str) -> str:
    """As part of a string in double quotes, in jq and in a Go template alike."""
    return pattern.replace("\\", "\\\\").replace('"', '\\"')


@cache
def _patterns() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_folder() / "patterns.yaml").read_text("utf-8"))
    return loaded


def _folder() -> Path:
    return data_folder("environments") / "embedded"
