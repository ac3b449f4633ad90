"""What is seen of a cluster: snapshots, the changes between two, events, facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import JsonValue

from voyager_k8s.core.base import Manifest, Model

__all__ = ["Change", "ClusterFacts", "Event", "FieldChange", "ObjectKey", "Observation", "Settled", "Snapshot"]


class ObjectKey(NamedTuple):
    """Names one object in a cluster."""

    api_version: str
    kind: str
    namespace: str
    """Empty for a cluster-scoped object."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" if self.namespace else f"{self.kind}/{self.name} (cluster)"


class Snapshot(Model):
    """The workspace's objects at one moment, normalised: no managedFields, uids, timestamps or
    resource versions, so that two snapshots of the same world are equal."""

    objects: Mapping[ObjectKey, Manifest]


class FieldChange(Model):
    """One field that differs; `None` where it was not there."""

    path: str
    """`spec.template.spec.containers[web].image`: list elements by name where they have one."""
    before: JsonValue
    after: JsonValue


class Change(Model):
    """One object that was created, deleted or modified."""

    action: Literal["created", "modified", "deleted"]
    key: ObjectKey
    fields: tuple[FieldChange, ...] = ()
    """What differs; for a created object, the object itself is in `manifest`."""
    manifest: Manifest = {}


class Event(Model):
    """A Kubernetes Event, without its time."""

    type: str
    reason: str
    object: str
    """`Pod/web-0`."""
    message: str
    count: int = 1


class Observation(Model):
    """A workspace at one moment: what is there, and what has happened so far."""

    snapshot: Snapshot
    events: tuple[Event, ...]
    """Oldest first, like ones counted together."""


class Settled(Model):
    """How waiting for the world to come to rest ended."""

    calm: bool
    """False: it was still changing (or still in transit) at the deadline."""
    seconds: float


class ClusterFacts(Model):
    """What a cluster offers, for the curriculum."""

    version: str
    nodes: tuple[str, ...]
    kinds: tuple[str, ...]
    """`Deployment (apps/v1)`: the namespaced kinds that can be created."""
    notes: str = ""
    """What is particular about it, in words: simulated nodes, images that exist."""
