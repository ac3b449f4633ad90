"""Wait for a rollout by the rules of `kubectl rollout status`, and give up early when it cannot succeed."""

import time
from typing import Any

from kubernetes.client import ApiClient

from skills.find_problems import find_problems
from skills.list_objects import list_objects
from skills.wait_until import wait_until

_HOPELESS = (
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
)
_LOOK_SECONDS = 1.0


def wait_for_rollout(
    api: ApiClient, *, name: str, namespace: str, kind: str = "Deployment", timeout_seconds: float = 60.0
) -> dict[str, Any]:
    """Watch a Deployment, StatefulSet or DaemonSet until its rollout is complete (all Pods of the latest template,
    available, none of an older one) and return its status. Raises RuntimeError as soon as it cannot succeed
    (ImagePullBackOff, CrashLoopBackOff, ProgressDeadlineExceeded ...), TimeoutError else, both with the reason.
    """
    if kind not in _MISSING:
        raise ValueError(f"no rollout of a {kind}; kind is one of {', '.join(_MISSING)}")
    deadline = time.monotonic() + timeout_seconds
    seen: list[dict[str, Any]] = []

    def complete(objects: list[dict[str, Any]]) -> bool | str:
        seen[:] = objects
        return _progress(objects[0], kind) if objects else "it does not exist"

    while True:
        # A Pod that cannot start changes nothing in its workload: look at the Pods once a second.
        turn = min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic()))
        try:
            (live,) = wait_until(
                api,
                api_version="apps/v1",
                kind=kind,
                namespace=namespace,
                name=name,
                until=complete,
                timeout_seconds=turn,
            )
        except TimeoutError:
            _give_up(api, kind, name, namespace, seen, time.monotonic() >= deadline)
        else:
            status: dict[str, Any] = live["status"]
            return status


def _progress(live: dict[str, Any], kind: str) -> bool | str:
    """True, or what is missing; the rules are those of kubectl's `polymorphichelpers/rollout_status.go`."""
    status = live.get("status", {})
    if live["metadata"]["generation"] > status.get("observedGeneration", 0):
        return "its controller has not seen its last change"
    if live["spec"].get("updateStrategy", {}).get("type") == "OnDelete":
        raise RuntimeError(f"{kind} {live['metadata']['name']} updates Pods only when they are deleted (OnDelete)")
    return _MISSING[kind](live["spec"], status) or True


def _missing_deployment(spec: dict[str, Any], status: dict[str, Any]) -> str:
    for item in status.get("conditions", []):
        if item["type"] == "Progressing" and item.get("reason") == "ProgressDeadlineExceeded":
            raise RuntimeError(f"ProgressDeadlineExceeded: {item.get('message')}")
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    if updated < wanted:
        return f"{updated} of {wanted} Pods updated" + (" (it is paused)" if spec.get("paused") else "")
    if status.get("replicas", 0) > updated:
        return f"{status['replicas'] - updated} old Pods still there"
    available = status.get("availableReplicas", 0)
    return f"{available} of {updated} updated Pods available" if available < updated else ""


def _missing_stateful_set(spec: dict[str, Any], status: dict[str, Any]) -> str:
    wanted, ready, updated = spec.get("replicas", 1), status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    partition = spec.get("updateStrategy", {}).get("rollingUpdate", {}).get("partition", 0)
    if ready < wanted:
        return f"{ready} of {wanted} Pods ready"
    if partition:
        return f"{updated} of {wanted - partition} Pods updated" if updated < wanted - partition else ""
    return (
        f"{updated} of {wanted} Pods updated" if status.get("updateRevision") != status.get("currentRevision") else ""
    )


def _missing_daemon_set(spec: dict[str, Any], status: dict[str, Any]) -> str:
    wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    if updated < wanted:
        return f"{updated} of {wanted} Pods updated"
    available = status.get("numberAvailable", 0)
    return f"{available} of {wanted} Pods available" if available < wanted else ""


_MISSING = {
    "Deployment": _missing_deployment,
    "StatefulSet": _missing_stateful_set,
    "DaemonSet": _missing_daemon_set,
}


def _give_up(api: ApiClient, kind: str, name: str, namespace: str, seen: list[dict[str, Any]], late: bool) -> None:
    """Raise when a Pod of the latest template cannot start, or when time is up."""
    if not seen and not late:
        return
    selector = _latest_pods(api, kind, namespace, seen[0]) if seen else ""
    problems = find_problems(api, namespace=namespace, label_selector=selector) if selector else []
    hopeless = [problem for problem in problems if problem["reason"] in _HOPELESS]
    what = f"rollout of {kind} {name}"
    if hopeless:
        raise RuntimeError(f"{what} cannot succeed: {_in_words(hopeless)}")
    if late:
        progress = _progress(seen[0], kind) if seen else "it does not exist"
        raise TimeoutError(f"{what} is not complete: {progress}; {_in_words(problems + _conditions(seen))}")


def _latest_pods(api: ApiClient, kind: str, namespace: str, live: dict[str, Any]) -> str:
    """A label selector of the latest template's Pods: an older one's may be broken, as the reason for this one."""
    if live["metadata"]["generation"] > live.get("status", {}).get("observedGeneration", 0):
        return ""
    if kind == "StatefulSet":
        return f"controller-revision-hash={live['status'].get('updateRevision')}"
    owned_kind, label = (
        ("ReplicaSet", "pod-template-hash")
        if kind == "Deployment"
        else ("ControllerRevision", "controller-revision-hash")
    )
    owned = [
        item
        for item in list_objects(api, api_version="apps/v1", kind=owned_kind, namespace=namespace)
        if any(owner["uid"] == live["metadata"]["uid"] for owner in item["metadata"].get("ownerReferences", []))
    ]
    if not owned:
        return ""
    return f"{label}={max(owned, key=_revision)['metadata']['labels'][label]}"


def _revision(item: dict[str, Any]) -> int:
    annotations = item["metadata"].get("annotations", {})
    return int(item.get("revision") or annotations.get("deployment.kubernetes.io/revision", 0))


def _conditions(seen: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {"object": item["type"], "reason": item.get("reason", ""), "message": item.get("message", "")}
        for live in seen
        for item in live.get("status", {}).get("conditions", [])
        if (item["type"], item["status"]) in (("ReplicaFailure", "True"), ("Available", "False"))
    ]


def _in_words(problems: list[dict[str, str]]) -> str:
    shown = [f"{item['object']} {item['reason']}: {item['message']}" for item in problems[:3]]
    return "; ".join(shown) or "no Pod reports a problem"
