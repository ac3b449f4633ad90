"""Change a container's image."""

from typing import Any

from kubernetes.client import ApiClient

from skills.edit_object import edit_object

_API_VERSIONS = {"Pod": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}


def set_image(
    api: ApiClient, *, name: str, namespace: str, image: str, container: str = "", kind: str = "Deployment"
) -> str:
    """Set a container's image in a Deployment, StatefulSet, DaemonSet, ReplicaSet, CronJob or Pod; return the image
    it had. Returns at once; `wait_for_rollout` waits for the Pods.

    Args:
        container: needed where there are several; init containers count.
    """
    before: list[str] = []

    def change(live: dict[str, Any]) -> None:
        found = _container(_pod_spec(live), container, f"{kind} {name}")
        before[:] = [found.get("image", "")]
        found["image"] = image

    api_version = _API_VERSIONS.get(kind, "apps/v1")
    edit_object(api, api_version=api_version, kind=kind, name=name, namespace=namespace, change=change)
    return before[0]


def _pod_spec(live: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = live["spec"]
    if live["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    pod_spec: dict[str, Any] = spec if live["kind"] == "Pod" else spec["template"]["spec"]
    return pod_spec


def _container(pod_spec: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    containers: list[dict[str, Any]] = pod_spec["containers"]
    if not name and len(containers) == 1:
        return containers[0]
    everywhere: list[dict[str, Any]] = containers + pod_spec.get("initContainers", [])
    for item in everywhere:
        if item["name"] == name:
            return item
    names = ", ".join(item["name"] for item in everywhere)
    raise ValueError(f"{where} has no container {name!r}; it has {names}" if name else f"give a container: {names}")
