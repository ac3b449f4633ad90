"""Delete one object of any kind and see it gone."""

from typing import Any

from kubernetes.client import ApiClient, ApiException

from skills.call_api import call_api
from skills.resource_path import resource_path
from skills.wait_until import wait_until


def delete_object(
    api: ApiClient,
    *,
    api_version: str,
    kind: str,
    name: str,
    namespace: str | None = None,
    missing_ok: bool = True,
    propagation: str = "Foreground",
    timeout_seconds: float = 60.0,
) -> bool:
    """Delete one object and wait until it is gone; return whether it existed.

    Args:
        missing_ok: False: an absent object raises ApiException 404.
        propagation: "Foreground": what it owns (a Deployment's Pods) is gone too; "Background": that goes later;
            "Orphan": that stays.
    """
    path = resource_path(api, api_version=api_version, kind=kind, namespace=namespace, name=name)
    try:
        answer = call_api(api, method="DELETE", path=path, body={"propagationPolicy": propagation})
    except ApiException as error:
        if missing_ok and error.status == 404:
            return False
        raise
    # A controller may make another object of the same name at once (a StatefulSet's Pod): uids tell them apart.
    uid = answer.get("details", {}).get("uid") or answer["metadata"].get("uid")

    def gone(objects: list[dict[str, Any]]) -> bool | str:
        left = [item["metadata"] for item in objects if item["metadata"]["uid"] == uid]
        return not left or f"still there, finalizers {left[0].get('finalizers', [])}"

    wait_until(
        api,
        api_version=api_version,
        kind=kind,
        namespace=namespace,
        name=name,
        until=gone,
        timeout_seconds=timeout_seconds,
    )
    return True
