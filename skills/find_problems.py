"""What is not healthy in a namespace, and why."""

from collections.abc import Iterator
from typing import Any

from kubernetes.client import ApiClient

from skills.list_events import list_events
from skills.list_objects import list_objects

_STARTING = ("ContainerCreating", "PodInitializing")
# Type and status of the conditions that say why a controller cannot go on.
_BAD_CONDITIONS = (("ReplicaFailure", "True"), ("Progressing", "False"), ("Failed", "True"))


def find_problems(api: ApiClient, *, namespace: str, label_selector: str = "") -> list[dict[str, str]]:
    """Which Pods are not healthy and which Deployments, ReplicaSets and Jobs cannot go on, each with object
    (`Pod/web-0`), reason (CrashLoopBackOff, Unschedulable, NotReady, FailedCreate ...) and message. Empty: all well.
    """
    problems = []
    for pod in list_objects(api, api_version="v1", kind="Pod", namespace=namespace, label_selector=label_selector):
        problems += [{"object": f"Pod/{pod['metadata']['name']}", **found} for found in _pod_problems(pod)]
    warnings = list_events(api, namespace=namespace, warnings_only=True, limit=500) if problems else []
    latest = {event["object"]: f"{event['reason']}: {event['message']}" for event in warnings}
    for problem in problems:
        problem["message"] = problem["message"] or latest.get(problem["object"], "")
    for api_version, kind in (("apps/v1", "Deployment"), ("apps/v1", "ReplicaSet"), ("batch/v1", "Job")):
        for live in list_objects(
            api, api_version=api_version, kind=kind, namespace=namespace, label_selector=label_selector
        ):
            problems += _bad_conditions(live)
    return problems


def _pod_problems(pod: dict[str, Any]) -> Iterator[dict[str, str]]:
    status = pod.get("status", {})
    if pod["metadata"].get("deletionTimestamp") or status.get("phase") == "Succeeded":
        return
    statuses = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    found = [problem for container in statuses for problem in _container_problems(container)]
    if found:
        yield from found
    elif status.get("phase") != "Running":
        yield _unstarted(status)
    elif any(item["type"] == "Ready" and item["status"] != "True" for item in status.get("conditions") or []):
        waiting = [item["name"] for item in status.get("containerStatuses") or [] if not item.get("ready")]
        yield {"reason": "NotReady", "message": "" if waiting else "a readiness gate is not passed"}


def _container_problems(container: dict[str, Any]) -> Iterator[dict[str, str]]:
    state = container.get("state", {})
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    if waiting and waiting.get("reason") not in _STARTING:
        last = (container.get("lastState") or {}).get("terminated") or {}
        how = f"; last ended {last.get('reason')}, exit code {last.get('exitCode')}" if last else ""
        message = f"container {container['name']}: {waiting.get('message', '')}{how}"
        yield {"reason": str(waiting.get("reason")), "message": message}
    elif ended.get("exitCode"):
        message = f"container {container['name']}: exit code {ended['exitCode']} {ended.get('message', '')}".rstrip()
        yield {"reason": str(ended.get("reason", "Error")), "message": message}


def _unstarted(status: dict[str, Any]) -> dict[str, str]:
    for item in status.get("conditions") or []:
        if item["type"] == "PodScheduled" and item["status"] == "False":
            return {"reason": item.get("reason", "Unschedulable"), "message": item.get("message", "")}
    return {"reason": status.get("reason") or status.get("phase", "Pending"), "message": status.get("message", "")}


def _bad_conditions(live: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "object": f"{live['kind']}/{live['metadata']['name']}",
            "reason": item.get("reason", item["type"]),
            "message": item.get("message", ""),
        }
        for item in live.get("status", {}).get("conditions") or []
        if (item["type"], item["status"]) in _BAD_CONDITIONS
    ]
