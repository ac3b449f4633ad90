"""A new image, rolled out."""

from kubernetes.client import ApiClient

from skills.patch_object import patch_object
from skills.set_image import set_image
from skills.wait_for_rollout import wait_for_rollout


def roll_out_image(api: ApiClient, *, namespace: str, deployment: str, container: str, image: str, cause: str) -> str:
    """Set a container's image, record the cause, and wait for the rollout; return the image it had."""
    patch_object(
        api,
        api_version="apps/v1",
        kind="Deployment",
        name=deployment,
        namespace=namespace,
        patch={"metadata": {"annotations": {"kubernetes.io/change-cause": cause}}},
    )
    before = set_image(api, name=deployment, namespace=namespace, image=image, container=container)
    wait_for_rollout(api, name=deployment, namespace=namespace)
    return before
