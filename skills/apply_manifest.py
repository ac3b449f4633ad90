"""Server-side apply of one manifest of any kind."""

from typing import Any

from kubernetes.client import ApiClient

from skills.call_api import call_api
from skills.resource_path import resource_path

_SERVER_SIDE = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation")


def apply_manifest(
    api: ApiClient,
    *,
    manifest: dict[str, Any],
    namespace: str | None = None,
    field_manager: str = "voyager",
    force: bool = True,
) -> dict[str, Any]:
    """Create or update one object of any kind by server-side apply; return the live object. Idempotent. Fields
    not in the manifest are left alone, but removed where an earlier apply had set them.

    Args:
        namespace: default: the manifest's own.
        force: take over fields that another manager owns; False: raise ApiException 409 instead.
    """
    metadata = {key: value for key, value in manifest.get("metadata", {}).items() if key not in _SERVER_SIDE}
    missing = [key for key in ("apiVersion", "kind") if not manifest.get(key)]
    if missing or not metadata.get("name"):
        raise ValueError(f"the manifest needs {', '.join([*missing, 'metadata.name'])}")
    if namespace and metadata.get("namespace", namespace) != namespace:
        raise ValueError(f"the manifest is for namespace {metadata['namespace']}, not {namespace}")
    path = resource_path(
        api,
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        namespace=namespace or metadata.get("namespace"),
        name=metadata["name"],
    )
    live: dict[str, Any] = call_api(
        api,
        method="PATCH",
        path=path,
        query={"fieldManager": field_manager, "force": str(force).lower()},
        body={**{key: value for key, value in manifest.items() if key != "status"}, "metadata": metadata},
        content_type="application/apply-patch+yaml",
    )
    live["metadata"].pop("managedFields", None)
    return live
