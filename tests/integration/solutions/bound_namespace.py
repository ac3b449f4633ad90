"""Limits for a namespace, and for the containers that name none."""

from typing import Any

from kubernetes.client import ApiClient

from skills.apply_manifests import apply_manifests
from skills.list_objects import list_objects
from skills.restart_workload import restart_workload
from skills.wait_for_rollout import wait_for_rollout
from skills.wait_until import wait_until


def bound_namespace(
    api: ApiClient,
    *,
    namespace: str,
    name: str,
    hard: dict[str, str],
    default_limits: dict[str, str],
    default_requests: dict[str, str],
    deployment: str,
) -> dict[str, str]:
    """Create a LimitRange and a ResourceQuota, and restart a Deployment whose Pods are older; return what the quota
    counts once it counts them all."""
    limit = {"type": "Container", "default": default_limits, "defaultRequest": default_requests}
    manifests = [
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": name}, "spec": {"limits": [limit]}},
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": hard}},
    ]
    apply_manifests(api, manifests=manifests, namespace=namespace)
    restart_workload(api, name=deployment, namespace=namespace)
    wait_for_rollout(api, name=deployment, namespace=namespace)

    def counted(quotas: list[dict[str, Any]]) -> bool:
        pods = list_objects(api, api_version="v1", kind="Pod", namespace=namespace)
        used = quotas[0].get("status", {}).get("used", {})
        return bool(used.get("pods") == str(len(pods)))

    quotas = wait_until(api, api_version="v1", kind="ResourceQuota", namespace=namespace, name=name, until=counted)
    used: dict[str, str] = quotas[0]["status"]["used"]
    return used
