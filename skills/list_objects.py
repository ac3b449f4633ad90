"""Live objects of any kind."""

from typing import Any

from kubernetes.client import ApiClient

from skills.call_api import call_api
from skills.resource_path import resource_path


def list_objects(
    api: ApiClient,
    *,
    api_version: str,
    kind: str,
    namespace: str | None = None,
    label_selector: str = "",
    field_selector: str = "",
) -> list[dict[str, Any]]:
    """Read all objects of one kind as plain data, without managedFields, sorted by name.

    Args:
        label_selector: `app=web,tier!=cache`.
        field_selector: `status.phase=Running`, `metadata.name=web`.
    """
    path = resource_path(api, api_version=api_version, kind=kind, namespace=namespace)
    query = {"labelSelector": label_selector, "fieldSelector": field_selector, "limit": 500, "continue": ""}
    objects = []
    while True:
        page = call_api(api, method="GET", path=path, query=query)
        for item in page["items"]:
            item["metadata"].pop("managedFields", None)
            objects.append({"apiVersion": api_version, "kind": kind, **item})
        query["continue"] = page["metadata"].get("continue", "")
        if not query["continue"]:
            return sorted(objects, key=lambda item: str(item["metadata"]["name"]))
