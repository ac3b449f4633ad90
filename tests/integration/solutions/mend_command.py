"""A container that ends at once."""

from typing import Any

from kubernetes.client import ApiClient

from skills.edit_object import edit_object
from skills.wait_for_pods import wait_for_pods
from skills.wait_for_rollout import wait_for_rollout


def mend_command(api: ApiClient, *, namespace: str, deployment: str, command: list[str]) -> list[str]:
    """Replace command and args of a Deployment's one container by a command; return its Pods once all are ready."""

    def change(current: dict[str, Any]) -> None:
        (container,) = current["spec"]["template"]["spec"]["containers"]
        container["command"] = command
        container.pop("args", None)

    live = edit_object(
        api, api_version="apps/v1", kind="Deployment", name=deployment, namespace=namespace, change=change
    )
    wait_for_rollout(api, name=deployment, namespace=namespace)
    labels = ",".join(f"{key}={value}" for key, value in live["spec"]["selector"]["matchLabels"].items())
    return wait_for_pods(api, namespace=namespace, label_selector=labels, count=live["spec"]["replicas"])
