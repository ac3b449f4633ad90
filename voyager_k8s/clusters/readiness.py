"""Waits until a cluster that was started is ready, and gives it its nodes.

Ready means: the API server says so, the controller manager works (it has made the ServiceAccount that
Pods in `default` need), and every node is Ready and takes Pods.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from time import monotonic, sleep
from types import TracebackType
from typing import Any

import httpx

from voyager_k8s.clusters import stages
from voyager_k8s.clusters.cluster_state import Place, Record
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.errors import ClusterError

__all__ = ["AdminApi", "wait_until_ready"]

_POLL_SECONDS = 0.03
_CONFLICT = 409


class AdminApi:
    """The few requests to a new API server that come before anybody else uses it, by the administrator's
    certificate."""

    def __init__(self, place: Place, port: int) -> None:
        folder = place.folder / "pki"
        context = ssl.create_default_context(cafile=folder / "ca.crt")
        context.load_cert_chain(folder / "admin.crt", folder / "admin.key")
        self._client = httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=context, trust_env=False, timeout=httpx.Timeout(5.0)
        )

    def __enter__(self) -> AdminApi:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        """What is at `path`: JSON, or text; None when it cannot be had (yet)."""
        try:
            answer = self._client.get(path)
            if answer.status_code != httpx.codes.OK:
                return None
            return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text
        except (httpx.TransportError, json.JSONDecodeError):
            return None

    def create(self, path: str, manifest: Manifest) -> bool:
        """Whether the object is there now."""
        try:
            answer = self._client.post(path, json=manifest)
        except httpx.TransportError:
            return False
        return answer.is_success or answer.status_code == _CONFLICT

    def is_ready(self) -> bool:
        """Whether the API server says so."""
        return bool(self.get("/readyz") == "ok")


def wait_until_ready(place: Place, record: Record, seconds: float, check: Callable[[], None]) -> None:
    """Return when the cluster can be used.

    Args:
        seconds: longest wait.
        check: called between looks; raises when waiting is of no more use.

    Raises:
        ClusterError: it is not ready in time; the message says what is missing.
    """
    deadline = monotonic() + seconds
    with ExitStack() as stack:
        api = stack.enter_context(AdminApi(place, record.ports.kube_apiserver))
        for what, condition in _conditions(api, record):
            while not condition():
                check()
                if monotonic() > deadline:
                    raise ClusterError(
                        f"cluster {place.name} was not ready within {seconds:g} s: {what}; "
                        f"the logs are in {place.folder / 'logs'}"
                    )
                sleep(_POLL_SECONDS)


def _conditions(api: AdminApi, record: Record) -> list[tuple[str, Callable[[], bool]]]:
    """What has to hold, in the order in which it comes about, and how to say that it does not."""
    numbers = range(1, record.nodes + 1)
    nodes = [stages.node(number, record.kubernetes_version) for number in numbers]
    classes = stages.bootstrap_manifests()
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    return [
        ("the API server does not answer", lambda: api.get("/version") is not None),
        ("the API server takes no objects", lambda: all(api.create("/api/v1/nodes", node) for node in nodes)),
        (
            "the API server takes no objects",
            lambda: all(api.create("/apis/storage.k8s.io/v1/storageclasses", manifest) for manifest in classes),
        ),
        ("the API server is not ready", api.is_ready),
        ("the controller manager does nothing", lambda: api.get(account) is not None),
        ("nodes are not Ready", lambda: _ready_nodes(api) == record.nodes),
    ]


def _ready_nodes(api: AdminApi) -> int:
    answer = api.get("/api/v1/nodes")
    return sum(_takes_pods(node) for node in answer["items"]) if answer else 0


def _takes_pods(node: Manifest) -> bool:
    conditions = {each["type"]: each["status"] for each in node.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and not node["spec"].get("taints")
