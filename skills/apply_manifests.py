"""Server-side apply of several manifests."""

from typing import Any

from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest


def apply_manifests(api: ApiClient, *, manifests: list[dict[str, Any]], namespace: str | None = None) -> list[str]:
    """Apply several manifests in the order given, as `apply_manifest` does; return `Kind/name` of each."""
    applied = []
    for manifest in manifests:
        live = apply_manifest(api, manifest=manifest, namespace=namespace)
        applied.append(f"{live['kind']}/{live['metadata']['name']}")
    return applied
