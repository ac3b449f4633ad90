"""A StatefulSet whose replicas keep their data."""

from typing import Any

from kubernetes.client import ApiClient

from skills.apply_manifests import apply_manifests
from skills.wait_for_rollout import wait_for_rollout
from skills.wait_until import wait_until


def run_stateful_set(
    api: ApiClient, *, namespace: str, name: str, image: str, replicas: int, port: int, size: str, path: str
) -> list[str]:
    """Create a StatefulSet, its headless Service and a claim for each replica; return the claims once bound."""
    labels = {"app": name}
    container = {
        "name": "main",
        "image": image,
        "ports": [{"containerPort": port}],
        "volumeMounts": [{"name": "data", "mountPath": path}],
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    stateful_set = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"clusterIP": "None", "selector": labels, "ports": [{"port": port}]},
    }
    apply_manifests(api, manifests=[service, stateful_set], namespace=namespace)
    wait_for_rollout(api, name=name, namespace=namespace, kind="StatefulSet")
    return _bound_claims(api, namespace, f"app={name}", replicas)


def _bound_claims(api: ApiClient, namespace: str, labels: str, count: int) -> list[str]:
    def bound(claims: list[dict[str, Any]]) -> bool:
        return [claim["status"].get("phase") for claim in claims] == ["Bound"] * count

    claims = wait_until(
        api,
        api_version="v1",
        kind="PersistentVolumeClaim",
        namespace=namespace,
        label_selector=labels,
        until=bound,
    )
    return sorted(claim["metadata"]["name"] for claim in claims)
