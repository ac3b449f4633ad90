"""A closed namespace with one way in it."""

from typing import Any

from kubernetes.client import ApiClient

from skills.apply_manifests import apply_manifests
from skills.get_object import get_object


def isolate_with_one_way(
    api: ApiClient, *, namespace: str, server: str, client: str, label: str, port: int, name: str
) -> list[str]:
    """Deny all ingress, and allow one Deployment's Pods to reach another's on one TCP port; return what was applied.

    Args:
        label: whose value tells the Deployments' Pods apart.
        name: of the policy that allows.
    """
    spec = {
        "podSelector": _selector(api, namespace, server, label),
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"podSelector": _selector(api, namespace, client, label)}],
                "ports": [{"protocol": "TCP", "port": port}],
            }
        ],
    }
    manifests = [
        _policy("default-deny", {"podSelector": {}, "policyTypes": ["Ingress"]}),
        _policy(name, spec),
    ]
    return apply_manifests(api, manifests=manifests, namespace=namespace)


def _policy(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}


def _selector(api: ApiClient, namespace: str, deployment: str, label: str) -> dict[str, Any]:
    live = get_object(api, api_version="apps/v1", kind="Deployment", name=deployment, namespace=namespace)
    assert live is not None
    return {"matchLabels": {label: live["spec"]["template"]["metadata"]["labels"][label]}}
