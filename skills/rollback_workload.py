"""Go back to an earlier Pod template, as `kubectl rollout undo` does."""

from typing import Any

from kubernetes.client import ApiClient

from skills.edit_object import edit_object
from skills.get_object import get_object
from skills.list_objects import list_objects


def rollback_workload(api: ApiClient, *, name: str, namespace: str, kind: str = "Deployment", revision: int = 0) -> int:
    """Put back the Pod template of an earlier revision of a Deployment, StatefulSet or DaemonSet; return that
    revision. Returns at once; `wait_for_rollout` waits for the Pods.

    Args:
        revision: 0: the one before the current.
    """
    live = get_object(api, api_version="apps/v1", kind=kind, name=name, namespace=namespace)
    assert live is not None
    if live["spec"].get("paused"):
        raise RuntimeError(f"{kind} {name} is paused: set spec.paused to False first")
    templates = _templates(api, live, namespace)
    earlier = sorted(templates)[:-1]
    wanted = revision or (earlier[-1] if earlier else 0)
    if wanted not in templates:
        have = ", ".join(str(number) for number in sorted(templates))
        raise ValueError(
            f"{kind} {name} has no revision {revision or 'before the current one'}; it has {have or 'none'}"
        )

    def change(current: dict[str, Any]) -> None:
        current["spec"]["template"] = templates[wanted]

    edit_object(api, api_version="apps/v1", kind=kind, name=name, namespace=namespace, change=change)
    return wanted


def _templates(api: ApiClient, live: dict[str, Any], namespace: str) -> dict[int, dict[str, Any]]:
    """The Pod template of each revision: a Deployment keeps them in ReplicaSets, others in ControllerRevisions."""
    kind = "ReplicaSet" if live["kind"] == "Deployment" else "ControllerRevision"
    templates = {}
    for item in list_objects(api, api_version="apps/v1", kind=kind, namespace=namespace):
        if any(owner["uid"] == live["metadata"]["uid"] for owner in item["metadata"].get("ownerReferences", [])):
            number = item.get("revision") or item["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
            template = item["spec" if kind == "ReplicaSet" else "data"]
            template = template["template"] if kind == "ReplicaSet" else template["spec"]["template"]
            template.pop("$patch", None)
            template["metadata"].get("labels", {}).pop("pod-template-hash", None)
            templates[int(number)] = template
    return templates
