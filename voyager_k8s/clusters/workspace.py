"""One namespace and one identity, and everything that can be seen or done there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from voyager_k8s.clusters import identity
from voyager_k8s.clusters.aliases import Aliases, addresses_of, aliases_of
from voyager_k8s.clusters.api import ApiRefusal
from voyager_k8s.clusters.check_faults import validate_checks
from voyager_k8s.clusters.checks import Place, evaluate_checks, places_of
from voyager_k8s.clusters.discovery import Resource
from voyager_k8s.clusters.events import events_of, is_overcome
from voyager_k8s.clusters.permissions import Question
from voyager_k8s.clusters.session import Session
from voyager_k8s.clusters.settle import settle
from voyager_k8s.clusters.snapshot import snapshot_of, without_back_off_time
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.errors import ClusterError, TaskRejected
from voyager_k8s.core.program import ApiAccess
from voyager_k8s.core.progress import Notice
from voyager_k8s.core.task import Check
from voyager_k8s.core.verdict import CheckResult
from voyager_k8s.core.world import Observation, Settled

__all__ = ["KubernetesWorkspace", "open_workspace"]

_TOKEN_SECONDS = 3600
_TOKEN_RENEWED_SECONDS = 1800
"""A token is handed out for so long; what is left of its life is more than any run takes."""
_READY_SECONDS = 30.0
_MOST_SUFFIXES = 1000
_NAMED_AT_RANDOM = ("pods", "replicasets.apps", "jobs.batch", "endpointslices.discovery.k8s.io")


def open_workspace(session: Session, name: str) -> KubernetesWorkspace:
    """Make a namespace with an identity; ready for Pods when this returns.

    Raises:
        ClusterError: the API server refuses, or the namespace does not become ready.
    """
    namespace = _create_namespace(session, name)
    workspace = KubernetesWorkspace(session, namespace)
    try:
        identity.identify(session.api, namespace)
        _wait_for_default_account(session, namespace)
        _ = workspace.access
        workspace.observe()  # while nobody waits for it yet
    except ClusterError:
        workspace.close()
        raise
    return workspace


def _create_namespace(session: Session, name: str) -> str:
    for number in range(1, _MOST_SUFFIXES):
        namespace = name if number == 1 else f"{name}-{number}"
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        try:
            session.api.create(identity.NAMESPACES, None, manifest)
        except ApiRefusal as refusal:
            if refusal.reason != "AlreadyExists":
                raise ClusterError(f"cannot create the namespace {namespace}: {refusal.message}") from refusal
        else:
            return namespace
    raise ClusterError(f"all namespaces from {name} to {namespace} are taken; delete some")


def _wait_for_default_account(session: Session, namespace: str) -> None:
    """Admission refuses Pods in a namespace until its default ServiceAccount is there."""
    there = session.hub.wait_until(lambda: session.hub.holds("ServiceAccount", namespace, "default"), _READY_SECONDS)
    if not there:
        trouble = session.hub.trouble() or "is the controller manager running?"
        raise ClusterError(f"namespace {namespace} has no default ServiceAccount after {_READY_SECONDS:g} s; {trouble}")


class KubernetesWorkspace:
    """Implements `core.ports.Workspace`."""

    def __init__(self, session: Session, namespace: str) -> None:
        self._session, self._namespace = session, namespace
        self._token, self._issued = "", float("-inf")
        self._closed = False
        self._observed: Observation | None = None
        self._swept: Mapping[Resource, Sequence[Manifest]] = {}
        """What was last observed, and as the server gave it, until something may have changed it."""
        self._seen = Aliases({})

    @property
    def namespace(self) -> str:
        """Its name."""
        return self._namespace

    @property
    def access(self) -> ApiAccess:
        """Rights in this workspace only, good for half an hour at least."""
        if time.monotonic() - self._issued > _TOKEN_RENEWED_SECONDS:
            self._issued = time.monotonic()
            self._token = self._session.api.token(identity.NAMESPACE, self._namespace, _TOKEN_SECONDS)
        api = self._session.api
        return ApiAccess(
            server=api.server,
            certificate_authority=api.certificate_authority,
            token=self._token,
            namespace=self._namespace,
        )

    def set_up(self, manifests: Sequence[Manifest]) -> None:
        """Apply manifests, in order.

        Raises:
            TaskRejected: one is of an unknown or cluster-scoped kind, is meant for another namespace, or is
                refused by the API server.
        """
        self._forget()
        for manifest in manifests:
            self._apply(manifest)

    def settle(self) -> Settled:
        """Wait until the workspace is at rest, or the deadline of the cluster's configuration."""
        self._forget()
        config = self._session.config
        return settle(self._session.hub, self._namespace, config.quiet_seconds, config.settle_seconds)

    def observe(self) -> Observation:
        """All objects of all kinds, normalised, and all Events, from one sweep; looked at once until `set_up` or
        `settle`, which is when something can have changed."""
        self._observed = self._observed or self._observe()
        return self._observed

    def _observe(self) -> Observation:
        self._swept = self._session.sweep(self._namespace)
        found = [each for listed in self._swept.values() for each in listed]
        objects = [each for each in found if each["kind"] != "Event"]
        events = [each for each in found if each["kind"] == "Event" and not is_overcome(each, objects)]
        self._seen = aliases_of(objects)
        self._seen = self._seen.extended(addresses_of(objects, self._seen))
        return Observation(snapshot=snapshot_of(objects, identity.BINDING), events=events_of(events, self._seen))

    def stable(self, text: str) -> str:
        """The text with generated names, addresses and uids replaced as in the last observation, and without the
        token that the program was given."""
        return without_back_off_time(self._seen.text(text.replace(self._token or "\0", "(token)")))

    def check(self, checks: Sequence[Check], answer: JsonValue = None) -> tuple[CheckResult, ...]:
        """Evaluate checks against the live world: right after an observation, against what was observed, so that
        both speak of one moment."""
        world = _LiveWorld(self, self._swept)
        world.fetch(places_of(world, checks))
        return evaluate_checks(world, checks, answer)

    def validate(self, checks: Sequence[Check]) -> None:
        """Refuse checks that cannot mean anything on this cluster.

        Raises:
            TaskRejected: with each check at fault and why.
        """
        validate_checks(_LiveWorld(self, {}), checks)

    def close(self) -> None:
        """Delete namespace and identity in the background."""
        if not self._closed:
            self._closed = True
            self._session.in_background(self._remove)

    def aliases(self) -> Aliases:
        """Stable names for what is there now."""
        listed = self._session.list_kinds(self._namespace, self._resources(_NAMED_AT_RANDOM))
        return aliases_of([each for items in listed.values() for each in items])

    @property
    def aliases_seen(self) -> Aliases:
        """Stable names as of the last observation."""
        return self._seen

    @property
    def session(self) -> Session:
        """The cluster it is in."""
        return self._session

    def _forget(self) -> None:
        self._observed, self._swept = None, {}

    def _remove(self) -> None:
        try:
            identity.remove(self._session.api, self._namespace)
        except ClusterError as error:
            text = f"workspace {self._namespace} was not cleaned up: {error}"
            self._session.listener(Notice(kind="warning", text=text))

    def _resources(self, names: Sequence[str]) -> list[Resource]:
        found = (self._session.catalogue().by_plural(name) for name in names)
        return [each for each in found if each is not None]

    def _apply(self, manifest: Manifest) -> None:
        title, resource = _title(manifest), self._resource_for(manifest)
        metadata = {**manifest["metadata"], "namespace": self._namespace}
        try:
            self._session.api.apply(resource, self._namespace, {**manifest, "metadata": metadata})
        except ApiRefusal as refusal:
            raise TaskRejected(f"set-up: the API server refuses {title}: {refusal.message}") from refusal

    def _resource_for(self, manifest: Manifest) -> Resource:
        title = _title(manifest)
        api_version, kind = str(manifest.get("apiVersion")), str(manifest.get("kind"))
        resource = self._session.find(api_version, kind)
        if resource is None:
            raise TaskRejected(f"set-up: {title}: the cluster has no kind {kind} in apiVersion {api_version}")
        if not resource.namespaced:
            raise TaskRejected(f"set-up: {title}: {kind} is cluster-scoped; a task can only set up its own namespace")
        metadata = manifest.get("metadata")
        if not isinstance(metadata, dict) or not metadata.get("name"):
            raise TaskRejected(f"set-up: {title}: metadata.name is missing")
        if metadata.get("namespace", self._namespace) != self._namespace:
            other = metadata["namespace"]
            raise TaskRejected(
                f"set-up: {title} names the namespace {other}; leave it out or write {{{{ namespace }}}}"
            )
        return resource


def _title(manifest: Manifest) -> str:
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{manifest.get('kind') or 'a manifest without kind'}/{name or '(no name)'}"


class _LiveWorld:
    """What checks see of a workspace. Each kind is listed once and looked through here: a list costs the API server
    less than a few single reads, and what is not there is told by what is."""

    def __init__(self, workspace: KubernetesWorkspace, known: Mapping[Resource, Sequence[Manifest]]) -> None:
        self._workspace, self._session = workspace, workspace.session
        self._lists = {Place(resource, workspace.namespace): items for resource, items in known.items()}
        self._aliases: Aliases | None = workspace.aliases_seen if known else None

    @property
    def namespace(self) -> str:
        return self._workspace.namespace

    def find(self, api_version: str, kind: str) -> Resource | None:
        return self._session.find(api_version, kind)

    def by_plural(self, text: str) -> Resource | None:
        return self._session.catalogue().by_plural(text)

    def versions(self, kind: str) -> Sequence[str]:
        return self._session.catalogue().versions(kind)

    def fetch(self, places: Sequence[Place]) -> None:
        """List several kinds side by side, before they are asked for one after the other."""
        self._session.side_by_side(self._list, [place for place in places if place not in self._lists])

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        found = self._list(Place(resource, namespace))
        return next((each for each in found if each["metadata"]["name"] == name), None)

    def select(self, resource: Resource, namespace: str, labels: Mapping[str, str]) -> Sequence[Manifest]:
        wanted = labels.items()
        found = self._list(Place(resource, namespace))
        return [each for each in found if wanted <= (each["metadata"].get("labels") or {}).items()]

    def allowed(self, question: Question) -> bool:
        return self._session.api.allowed(question)

    def stable(self, text: str) -> str:
        self._aliases = self._aliases or self._workspace.aliases()
        return self._aliases.text(text)

    def _list(self, place: Place) -> Sequence[Manifest]:
        if place not in self._lists:
            self._lists[place] = self._session.api.list(place.resource, place.namespace).items
        return [each for each in self._lists[place] if not identity.is_ours(each)]
