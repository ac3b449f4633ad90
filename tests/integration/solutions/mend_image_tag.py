"""A container whose image cannot be pulled."""

from kubernetes.client import ApiClient

from skills.get_object import get_object
from skills.list_objects import list_objects
from skills.set_image import set_image
from skills.wait_for_pods import wait_for_pods
from skills.wait_for_rollout import wait_for_rollout


def mend_image_tag(api: ApiClient, *, namespace: str, deployment: str, tag: str) -> str:
    """Give the container of a Deployment whose image cannot be pulled another tag; return its name, or ""."""
    live = get_object(api, api_version="apps/v1", kind="Deployment", name=deployment, namespace=namespace)
    assert live is not None
    labels = ",".join(f"{key}={value}" for key, value in live["spec"]["selector"]["matchLabels"].items())
    broken = _unpullable(api, namespace, labels)
    for container in live["spec"]["template"]["spec"]["containers"]:
        if container["name"] == broken:
            image = f"{container['image'].rsplit(':', 1)[0]}:{tag}"
            set_image(api, name=deployment, namespace=namespace, image=image, container=broken)
    wait_for_rollout(api, name=deployment, namespace=namespace)
    wait_for_pods(api, namespace=namespace, label_selector=labels, count=live["spec"]["replicas"])
    return broken


def _unpullable(api: ApiClient, namespace: str, labels: str) -> str:
    for pod in list_objects(api, api_version="v1", kind="Pod", namespace=namespace, label_selector=labels):
        for status in pod["status"].get("containerStatuses", []):
            if status["state"].get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff"):
                return str(status["name"])
    return ""
