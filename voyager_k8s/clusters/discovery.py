"""What kinds a cluster serves: the aggregated discovery document, read into a catalogue.

Two requests (`/api` and `/apis`) give every kind of every version, in the cluster's own order of
preference: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
(stable since Kubernetes 1.30).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["DISCOVERY_TYPE", "Catalogue", "Resource", "read_discovery"]

DISCOVERY_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
"""The media type that asks for the aggregated document."""


@dataclass(frozen=True)
class Resource:
    """One kind in one version, and where it is served."""

    group: str
    """Empty for the core group."""
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str]
    subresources: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """`apps/v1`, `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def title(self) -> str:
        """`Deployment (apps/v1)`."""
        return f"{self.kind} ({self.api_version})"

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The URL's path of all objects (cluster-wide where `namespace` is None) or of one."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace is not None else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


class Catalogue:
    """All kinds of a cluster, looked up by what people write."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._all = tuple(resources)
        self._by_kind = {(each.api_version, each.kind): each for each in reversed(self._all)}
        self._preferred = {(each.group, each.plural): each for each in reversed(self._all)}

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The kind as a manifest names it; None where the cluster does not serve it."""
        return self._by_kind.get((api_version, kind))

    def versions(self, kind: str) -> tuple[str, ...]:
        """The apiVersions in which a kind of this name is served."""
        return tuple(each.api_version for each in self._all if each.kind == kind)

    def by_plural(self, text: str) -> Resource | None:
        """The resource as RBAC names it: `pods`, `deployments.apps`; a name without its group is found too
        where the core group lacks it, as `kubectl auth can-i` does."""
        plural, _, group = text.partition(".")
        exact = self._preferred.get((group, plural))
        if exact or group:
            return exact
        return next((each for each in self._preferred.values() if each.plural == plural), None)

    def namespaced(self) -> tuple[Resource, ...]:
        """The namespaced kinds that can be listed, each once, in its preferred version."""
        found = (each for each in self._preferred.values() if each.namespaced and "list" in each.verbs)
        return tuple(sorted(found, key=lambda each: (each.group, each.plural)))


def read_discovery(documents: Iterable[dict[str, Any]]) -> Catalogue:
    """Read the aggregated documents of `/api` and `/apis`."""
    return Catalogue(each for document in documents for each in _resources(document))


def _resources(document: dict[str, Any]) -> Iterator[Resource]:
    for group in document.get("items", ()):
        name = group.get("metadata", {}).get("name", "")
        for version in group.get("versions", ()):
            for resource in version.get("resources", ()):
                yield _resource(name, version["version"], resource)


def _resource(group: str, version: str, entry: dict[str, Any]) -> Resource:
    return Resource(
        group=group,
        version=version,
        plural=entry["resource"],
        kind=(entry.get("responseKind") or {}).get("kind", ""),
        namespaced=entry.get("scope") == "Namespaced",
        verbs=frozenset(entry.get("verbs", ())),
        subresources=frozenset(each["subresource"] for each in entry.get("subresources", ())),
    )
