"""Set a number of replicas."""

from kubernetes.client import ApiClient

from skills.call_api import call_api
from skills.resource_path import resource_path


def scale_workload(
    api: ApiClient,
    *,
    name: str,
    namespace: str,
    replicas: int,
    kind: str = "Deployment",
    api_version: str = "apps/v1",
) -> int:
    """Set the replicas of a Deployment, StatefulSet, ReplicaSet or any kind with a scale subresource, and return
    them. Returns at once; `wait_for_rollout` waits for the Pods.
    """
    path = resource_path(api, api_version=api_version, kind=kind, namespace=namespace, name=name)
    scale = call_api(
        api,
        method="PATCH",
        path=f"{path}/scale",
        body={"spec": {"replicas": replicas}},
        content_type="application/merge-patch+json",
    )
    return int(scale["spec"].get("replicas", 0))
