"""A Service for one Deployment's Pods."""

from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest
from skills.get_object import get_object
from skills.wait_until import wait_until


def expose_deployment(
    api: ApiClient, *, namespace: str, deployment: str, service: str, port: int, target_port: str
) -> str:
    """Create a ClusterIP Service that selects what the Deployment selects; return its cluster IP once it reaches
    as many Pods as the Deployment has."""
    live = get_object(api, api_version="apps/v1", kind="Deployment", name=deployment, namespace=namespace)
    assert live is not None
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service},
        "spec": {
            "type": "ClusterIP",
            "selector": live["spec"]["selector"]["matchLabels"],
            "ports": [{"port": port, "protocol": "TCP", "targetPort": target_port}],
        },
    }
    made = apply_manifest(api, manifest=manifest, namespace=namespace)
    wait_until(
        api,
        api_version="discovery.k8s.io/v1",
        kind="EndpointSlice",
        namespace=namespace,
        label_selector=f"kubernetes.io/service-name={service}",
        until=lambda slices: sum(len(each["endpoints"] or []) for each in slices) == live["spec"]["replicas"],
    )
    return str(made["spec"]["clusterIP"])
