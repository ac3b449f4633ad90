"""A patch of one object of any kind."""

from typing import Any

from kubernetes.client import ApiClient

from skills.call_api import call_api
from skills.resource_path import resource_path

_CONTENT_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}


def patch_object(
    api: ApiClient,
    *,
    api_version: str,
    kind: str,
    name: str,
    patch: dict[str, Any] | list[dict[str, Any]],
    namespace: str | None = None,
    patch_type: str = "merge",
) -> dict[str, Any]:
    """Change some fields of one object and return it. A merge patch sets the fields given, deletes those that are
    None, and replaces lists whole.

    Args:
        patch_type: "merge"; "strategic" merges lists such as containers and env by name (built-in kinds only);
            "json" is a list of RFC 6902 operations.
    """
    if patch_type not in _CONTENT_TYPES:
        raise ValueError(f"no patch_type {patch_type!r}; use one of {', '.join(_CONTENT_TYPES)}")
    path = resource_path(api, api_version=api_version, kind=kind, namespace=namespace, name=name)
    live: dict[str, Any] = call_api(api, method="PATCH", path=path, body=patch, content_type=_CONTENT_TYPES[patch_type])
    live["metadata"].pop("managedFields", None)
    return live
