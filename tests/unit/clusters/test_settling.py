"""Which objects are on their way, and which are at rest however bad their state."""

from __future__ import annotations

from typing import Any

import pytest

from voyager_k8s.clusters.settle import in_transit
from voyager_k8s.core.base import Manifest


def item(kind: str, spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **meta: Any) -> Manifest:
    metadata = {"name": "x", "uid": kind, "generation": 1, **meta}
    return {"kind": kind, "metadata": metadata, "spec": spec or {}, "status": status or {}}


def pod(reason: str = "", phase: str = "Pending", owner: str = "", **meta: Any) -> Manifest:
    state = {"waiting": {"reason": reason}} if reason else {}
    owners: dict[str, Any] = {"ownerReferences": [{"uid": owner}]} if owner else {}
    return item("Pod", status={"phase": phase, "containerStatuses": [{"state": state}]}, **owners, **meta)


def deployment(wanted: int, available: int, **status: Any) -> Manifest:
    counts = {"replicas": wanted, "updatedReplicas": wanted, "availableReplicas": available, "observedGeneration": 1}
    return item("Deployment", {"replicas": wanted}, counts | status)


UNSCHEDULABLE = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}
FAILED = {"conditions": [{"type": "Progressing", "status": "False"}]}
READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
SERVICE = item("Service", {"selector": {"app": "web"}})
WEB = item("Pod", status=READY, labels={"app": "web"})
SLICE = {
    "kind": "EndpointSlice",
    "metadata": {"name": "x-1", "uid": "s", "labels": {"kubernetes.io/service-name": "x"}},
    "endpoints": [{"targetRef": {"kind": "Pod", "name": "x"}, "conditions": {"ready": True}}],
}


GONE = {**SLICE, "endpoints": [{"targetRef": {"kind": "Pod", "name": "gone"}, "conditions": {"ready": False}}]}


@pytest.mark.parametrize(
    "objects",
    [
        [item("ConfigMap", deletionTimestamp="t")],
        [deployment(3, 3, observedGeneration=0)],
        [item("Deployment", {"replicas": 1})],
        [deployment(3, 1)],
        [deployment(1, 1, replicas=2)],
        [item("StatefulSet", {"replicas": 2}, {"replicas": 1})],
        [item("DaemonSet", {}, {"observedGeneration": 1, "desiredNumberScheduled": 2})],
        [item("ReplicaSet", {"replicas": 2}, {"observedGeneration": 1, "replicas": 1})],
        [item("Job", {}, {"active": 1})],
        [pod()],
        [pod("ContainerCreating")],
        [SERVICE, WEB],
        [SERVICE, GONE],
    ],
)
def test_in_transit(objects: list[Manifest]) -> None:
    assert len(list(in_transit(objects))) == 1


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [deployment(3, 3)],
        [deployment(0, 0)],
        [item("Deployment", {"replicas": 3, "paused": True}, {"observedGeneration": 1})],
        [deployment(3, 1, **FAILED)],
        [
            item(
                "StatefulSet",
                {"replicas": 1, "updateStrategy": {"type": "OnDelete"}},
                {"replicas": 1, "availableReplicas": 1},
            )
        ],
        [item("Job", {}, {"conditions": [{"type": "Complete"}]})],
        [item("Job", {"suspend": True})],
        [pod("CrashLoopBackOff", "Running")],
        [pod("ImagePullBackOff")],
        [item("Pod", status=UNSCHEDULABLE)],
        [pod("", "Running")],
        [SERVICE, WEB, SLICE],
        [item("Service", {})],
    ],
)
def test_at_rest(objects: list[Manifest]) -> None:
    assert list(in_transit(objects)) == []


def test_a_stuck_pod_lets_all_its_controllers_rest() -> None:
    replica_set = item("ReplicaSet", {"replicas": 1}, {"observedGeneration": 1, "replicas": 1})
    replica_set["metadata"]["ownerReferences"] = [{"uid": "Deployment"}]
    stuck = pod("ErrImagePull", owner="ReplicaSet")
    assert list(in_transit([deployment(1, 0), replica_set, stuck])) == []
    assert list(in_transit([deployment(1, 0), replica_set])) == ["Deployment/x: status.availableReplicas is 0 of 1"]
