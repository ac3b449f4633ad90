"""Settled, not slept: when has a workspace come to rest?

At rest is a namespace in which nothing has changed for a while and nothing is on its way: no object is
being deleted, no controller is behind, no rollout or start of a Pod is under way. What is on its way but
does not get anywhere (a crash loop, an image that cannot be pulled, a Pod no node takes) is at rest too:
waiting longer would show nothing new.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from voyager_k8s.clusters.hub import Hub, View
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.errors import ClusterError
from voyager_k8s.core.world import Settled

__all__ = ["PATIENCE_SECONDS", "SETTLING", "in_transit", "settle"]

SETTLING = (
    "configmaps",
    "cronjobs.batch",
    "daemonsets.apps",
    "deployments.apps",
    "endpointslices.discovery.k8s.io",
    "horizontalpodautoscalers.autoscaling",
    "ingresses.networking.k8s.io",
    "jobs.batch",
    "persistentvolumeclaims",
    "pods",
    "poddisruptionbudgets.policy",
    "replicasets.apps",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
    "statefulsets.apps",
)
"""The kinds whose changes count, as RBAC names them."""

PATIENCE_SECONDS = 2.0
"""What is on its way and has not moved for so long is taken to be stuck."""

_SEEN_SECONDS = 0.1
"""A write that ended before `settle` began has surely reached the watches after so long."""
_STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})


def settle(hub: Hub, namespace: str, quiet: float, limit: float) -> Settled:
    """Wait until a namespace is at rest.

    Args:
        quiet: seconds without a change that count as rest.
        limit: seconds after which waiting ends in any case.

    Raises:
        ClusterError: the watches were broken at the deadline, so that nothing can be said.
    """
    start = time.monotonic()
    while True:
        view, trouble = hub.view(namespace), hub.trouble()
        now = time.monotonic()
        pause = quiet if trouble else _rest_begins(view, quiet, start) - now
        if pause <= 0:
            return Settled(calm=True, seconds=now - start)
        if now - start >= limit:
            return _late(trouble, now - start)
        hub.wait_for_change(namespace, view, min(pause, start + limit - now))


def _late(trouble: str, seconds: float) -> Settled:
    if trouble:
        raise ClusterError(f"the cluster could not be watched for {seconds:.0f} s: {trouble}")
    return Settled(calm=False, seconds=seconds)


def _rest_begins(view: View, quiet: float, start: float) -> float:
    """The moment from which the namespace counts as at rest if nothing changes any more."""
    needed = PATIENCE_SECONDS if any(in_transit(view.objects)) else quiet
    return max(view.changed + needed, start + min(_SEEN_SECONDS, quiet))


def in_transit(objects: Sequence[Manifest]) -> Iterator[str]:
    """Which objects are on their way to another state, and why (`Deployment/web: 1 of 3 are available`)."""
    stuck = _owners_of_stuck_pods(objects)
    for each in objects:
        reason = _service(each, objects) if each["kind"] == "Service" else _reason(each, stuck)
        if reason:
            yield f"{each['kind']}/{each['metadata']['name']}: {reason}"


def _reason(item: Manifest, stuck: set[str]) -> str:
    metadata, status = item["metadata"], item.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "is being deleted"
    if "observedGeneration" in status and status["observedGeneration"] < metadata.get("generation", 0):
        return "its controller has not seen the last change"
    if item["kind"] == "Pod":
        return _pod(status)
    rule = _RULES.get(item["kind"])
    return rule(item.get("spec") or {}, status) if rule and metadata["uid"] not in stuck else ""


def _pod(status: dict[str, Any]) -> str:
    if status.get("phase") in (None, "Pending") and not _pod_is_stuck(status):
        return "is starting"
    return ""


def _pod_is_stuck(status: dict[str, Any]) -> bool:
    if any(_waiting(each) not in _STARTING for each in _containers(status)):
        return True
    conditions = status.get("conditions") or ()
    return any(each["type"] == "PodScheduled" and each["status"] == "False" for each in conditions)


def _containers(status: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _waiting(container: dict[str, Any]) -> str:
    return str(((container.get("state") or {}).get("waiting") or {}).get("reason", ""))


def _deployment(spec: dict[str, Any], status: dict[str, Any]) -> str:
    if spec.get("paused") or _refused(status):
        return ""
    wanted = spec.get("replicas", 1)
    if "observedGeneration" not in status:
        return "its controller has not seen it"
    return _short(wanted, status, ("updatedReplicas", "replicas", "availableReplicas"))


def _stateful_set(spec: dict[str, Any], status: dict[str, Any]) -> str:
    wanted = spec.get("replicas", 1)
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete" or (strategy.get("rollingUpdate") or {}).get("partition"):
        return _short(wanted, status, ("replicas", "availableReplicas"))
    return _short(wanted, status, ("replicas", "updatedReplicas", "availableReplicas"))


def _daemon_set(spec: dict[str, Any], status: dict[str, Any]) -> str:
    if "observedGeneration" not in status:
        return "its controller has not seen it"
    return _short(status.get("desiredNumberScheduled", 0), status, ("updatedNumberScheduled", "numberAvailable"))


def _replica_set(spec: dict[str, Any], status: dict[str, Any]) -> str:
    if "observedGeneration" not in status:
        return "its controller has not seen it"
    return "" if _refused(status) else _short(spec.get("replicas", 1), status, ("replicas",))


def _job(spec: dict[str, Any], status: dict[str, Any]) -> str:
    ended = any(each["type"] in ("Complete", "Failed", "Suspended") for each in status.get("conditions") or ())
    return "" if ended or spec.get("suspend") else "is running"


def _service(service: Manifest, objects: Sequence[Manifest]) -> str:
    """The controller of EndpointSlices tries again after a second when it got in its own way."""
    spec = service.get("spec") or {}
    selector = spec.get("selector")
    if not selector or spec.get("publishNotReadyAddresses") or service["metadata"].get("deletionTimestamp"):
        return ""
    pods = {each["metadata"]["name"]: each for each in objects if each["kind"] == "Pod"}
    ready = {name for name, pod in pods.items() if _is_ready_for(pod, selector)}
    reached = {
        name for name, is_ready in _endpoints(service["metadata"]["name"], objects) if is_ready or name not in pods
    }
    return f"reaches {len(reached)} of {len(ready)} ready Pods" if ready != reached else ""


def _is_ready_for(pod: Manifest, selector: dict[str, str]) -> bool:
    conditions, labels = (pod.get("status") or {}).get("conditions") or (), pod["metadata"].get("labels") or {}
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return is_ready and not ended and selector.items() <= labels.items()


def _endpoints(service: str, objects: Sequence[Manifest]) -> Iterator[tuple[str, bool]]:
    """The names of the Pods behind a Service, and whether it takes them for ready."""
    for each in objects:
        labels = each["metadata"].get("labels") or {}
        if each["kind"] == "EndpointSlice" and labels.get("kubernetes.io/service-name") == service:
            for one in each.get("endpoints") or ():
                if target := one.get("targetRef"):
                    yield target["name"], (one.get("conditions") or {}).get("ready", True)


def _short(wanted: int, status: dict[str, Any], fields: Iterable[str]) -> str:
    """The first count that is not as wanted."""
    wrong = next((field for field in fields if status.get(field, 0) != wanted), None)
    return f"status.{wrong} is {status.get(wrong, 0)} of {wanted}" if wrong else ""


def _refused(status: dict[str, Any]) -> bool:
    """Whether the controller has given up: a quota or the progress deadline."""
    return any(
        (each["type"] == "ReplicaFailure" and each["status"] == "True")
        or (each["type"] == "Progressing" and each["status"] == "False")
        for each in status.get("conditions") or ()
    )


_RULES = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "ReplicaSet": _replica_set,
    "Job": _job,
}


def _owners_of_stuck_pods(objects: Sequence[Manifest]) -> set[str]:
    """The uids of all controllers, directly or by their own controller, of a Pod that gets nowhere."""
    parents = {each["metadata"]["uid"]: _owner_uids(each) for each in objects}
    found: set[str] = set()
    pods = (each for each in objects if each["kind"] == "Pod" and _pod_is_stuck(each.get("status") or {}))
    queue = [uid for pod in pods for uid in _owner_uids(pod)]
    while queue:
        uid = queue.pop()
        if uid not in found:
            found.add(uid)
            queue += parents.get(uid, ())
    return found


def _owner_uids(item: Manifest) -> list[str]:
    return [each["uid"] for each in item["metadata"].get("ownerReferences") or ()]
