"""One Pod, ready."""

from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest
from skills.get_object import get_object
from skills.wait_for_condition import wait_for_condition


def create_ready_pod(
    api: ApiClient, *, namespace: str, name: str, labels: dict[str, str], image: str, port: int, path: str
) -> str:
    """Create a Pod with one container, web, and an HTTP readiness probe; return its IP address once it is ready."""
    container = {
        "name": "web",
        "image": image,
        "ports": [{"containerPort": port}],
        "readinessProbe": {"httpGet": {"path": path, "port": port}},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container]},
    }
    apply_manifest(api, manifest=pod, namespace=namespace)
    wait_for_condition(api, api_version="v1", kind="Pod", name=name, namespace=namespace, condition="Ready")
    live = get_object(api, api_version="v1", kind="Pod", name=name, namespace=namespace)
    return str(live["status"]["podIP"]) if live else ""
