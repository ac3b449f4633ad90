"""A Service that reaches nothing."""

from typing import Any

from kubernetes.client import ApiClient

from skills.edit_object import edit_object
from skills.get_object import get_object
from skills.wait_until import wait_until


def mend_service(api: ApiClient, *, namespace: str, service: str, deployment: str, target_port: str) -> list[str]:
    """Point a Service's one port to a Deployment's Pods; return the names of the Pods it reaches, sorted."""
    live = get_object(api, api_version="apps/v1", kind="Deployment", name=deployment, namespace=namespace)
    assert live is not None

    def change(current: dict[str, Any]) -> None:
        current["spec"]["selector"] = live["spec"]["selector"]["matchLabels"]
        (port,) = current["spec"]["ports"]
        port["targetPort"] = target_port

    edit_object(api, api_version="v1", kind="Service", name=service, namespace=namespace, change=change)
    slices = wait_until(
        api,
        api_version="discovery.k8s.io/v1",
        kind="EndpointSlice",
        namespace=namespace,
        label_selector=f"kubernetes.io/service-name={service}",
        until=lambda found: len(_reached(found)) == live["spec"]["replicas"],
    )
    return _reached(slices)


def _reached(slices: list[dict[str, Any]]) -> list[str]:
    endpoints = [endpoint for each in slices for endpoint in each["endpoints"] or []]
    return sorted(each["targetRef"]["name"] for each in endpoints if each["conditions"]["ready"])
