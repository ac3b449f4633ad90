"""One revision back."""

from kubernetes.client import ApiClient

from skills.get_object import get_object
from skills.rollback_workload import rollback_workload
from skills.wait_for_pods import wait_for_pods
from skills.wait_for_rollout import wait_for_rollout


def undo_release(api: ApiClient, *, namespace: str, deployment: str) -> str:
    """Roll a Deployment back to its previous revision; return the image that its first container runs now."""
    rollback_workload(api, name=deployment, namespace=namespace)
    wait_for_rollout(api, name=deployment, namespace=namespace)
    live = get_object(api, api_version="apps/v1", kind="Deployment", name=deployment, namespace=namespace)
    assert live is not None
    labels = ",".join(f"{key}={value}" for key, value in live["spec"]["selector"]["matchLabels"].items())
    wait_for_pods(api, namespace=namespace, label_selector=labels, count=live["spec"]["replicas"])
    return str(live["spec"]["template"]["spec"]["containers"][0]["image"])
