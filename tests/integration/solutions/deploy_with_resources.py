"""A Deployment whose containers have requests and a memory limit."""

from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest
from skills.wait_for_rollout import wait_for_rollout


def deploy_with_resources(
    api: ApiClient,
    *,
    namespace: str,
    name: str,
    image: str,
    replicas: int,
    labels: dict[str, str],
    cpu: str,
    memory: str,
    container: str = "web",
) -> int:
    """Create a Deployment that selects its Pods by `app`; return its available replicas."""
    resources = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {**labels, "app": name}},
                "spec": {"containers": [{"name": container, "image": image, "resources": resources}]},
            },
        },
    }
    apply_manifest(api, manifest=deployment, namespace=namespace)
    return int(wait_for_rollout(api, name=name, namespace=namespace)["availableReplicas"])
