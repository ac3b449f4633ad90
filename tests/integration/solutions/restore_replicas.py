"""The end of a maintenance."""

from kubernetes.client import ApiClient

from skills.get_object import get_object
from skills.scale_workload import scale_workload
from skills.wait_for_rollout import wait_for_rollout


def restore_replicas(api: ApiClient, *, namespace: str, name: str, annotation: str) -> int:
    """Scale a Deployment to the number that one of its annotations records; return it once all are available."""
    live = get_object(api, api_version="apps/v1", kind="Deployment", name=name, namespace=namespace)
    assert live is not None
    replicas = int(live["metadata"]["annotations"][annotation])
    scale_workload(api, name=name, namespace=namespace, replicas=replicas)
    wait_for_rollout(api, name=name, namespace=namespace)
    return replicas
