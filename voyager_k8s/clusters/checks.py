"""Checks against the live world: what holds, and where it does not, what is there instead.

The world is seen through `World`, so that the rules can be tried without a cluster. A check that asks
for what the cluster does not have (a kind, an object, a field) does not hold; one that cannot mean
anything (an expression that does not parse) has no result, and `fault` says so before it is used.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from pydantic import JsonValue

from voyager_k8s.clusters.check_text import check_text, object_text
from voyager_k8s.clusters.discovery import Resource
from voyager_k8s.clusters.expressions import Unanswered, evaluate
from voyager_k8s.clusters.matching import Miss, misses
from voyager_k8s.clusters.permissions import Question, groups_of, user_of
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.task import AbsentCheck, AssertCheck, CanCheck, Check, ExpressionCheck, Reference
from voyager_k8s.core.verdict import CheckResult

__all__ = ["Place", "World", "evaluate_checks", "no_kind", "no_resource", "places_of"]

_SHOWN = 3
_NAMES_SHOWN = 8


class World(Protocol):
    """What checks ask of a cluster; every method may raise ClusterError."""

    @property
    def namespace(self) -> str:
        """The workspace's own."""

    def find(self, api_version: str, kind: str) -> Resource | None:
        """A kind as manifests name it."""

    def by_plural(self, text: str) -> Resource | None:
        """A resource as RBAC names it."""

    def versions(self, kind: str) -> Sequence[str]:
        """The apiVersions that have a kind of this name."""

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """One object."""

    def select(self, resource: Resource, namespace: str, labels: Mapping[str, str]) -> Sequence[Manifest]:
        """All objects of a kind with these labels."""

    def allowed(self, question: Question) -> bool:
        """The authorizer's answer."""

    def stable(self, text: str) -> str:
        """A text with generated names replaced by ones that are the same in every run."""


class _NotHeld(Exception):
    """The message says what was found instead."""


def evaluate_checks(world: World, checks: Sequence[Check], answer: JsonValue) -> tuple[CheckResult, ...]:
    """Evaluate checks, in order.

    Raises:
        ClusterError: the cluster could not be asked.
    """
    return tuple(_evaluate(world, check, answer) for check in checks)


class Place(NamedTuple):
    """All objects of one kind in one namespace."""

    resource: Resource
    namespace: str


def places_of(world: World, checks: Sequence[Check]) -> tuple[Place, ...]:
    """Where evaluating these checks will look, each once: so that it can be read side by side."""
    return tuple(dict.fromkeys(place for check in checks for place in _places(world, check)))


def _places(world: World, check: Check) -> Iterator[Place]:
    for api_version, kind, namespace in _kinds(check):
        if resource := world.find(api_version, kind):
            yield Place(resource, namespace or world.namespace)


def _kinds(check: Check) -> Iterator[tuple[str, str, str | None]]:
    if isinstance(check, AssertCheck | AbsentCheck):
        partial = check.assert_ if isinstance(check, AssertCheck) else check.absent
        yield partial["apiVersion"], partial["kind"], (partial.get("metadata") or {}).get("namespace")
    elif isinstance(check, ExpressionCheck):
        yield from ((each.api_version, each.kind, each.namespace) for each in check.with_.values())
    elif isinstance(check, CanCheck):
        yield "v1", "ServiceAccount", None


def _evaluate(world: World, check: Check, answer: JsonValue) -> CheckResult:
    holds: bool | None = True
    detail = ""
    try:
        _hold(world, check, answer)
    except _NotHeld as found:
        holds, detail = False, world.stable(str(found))
    except Unanswered as error:
        holds, detail = None if error.ill_written else False, str(error)
    return CheckResult(text=check_text(check), holds=holds, detail=detail, invariant=check.invariant)


def _hold(world: World, check: Check, answer: JsonValue) -> None:
    if isinstance(check, AssertCheck):
        _assert(world, check.assert_)
    elif isinstance(check, AbsentCheck):
        _absent(world, check.absent)
    elif isinstance(check, ExpressionCheck):
        _expression(world, check, answer)
    elif isinstance(check, CanCheck):
        _can(world, check)
    elif found := misses(check.answer, answer, "answer"):
        raise _NotHeld(_list(found))


# ---- assert and absent


def _assert(world: World, wanted: Manifest) -> None:
    candidates, wanted = _candidates(world, wanted), _as_stored(wanted)
    name = (wanted.get("metadata") or {}).get("name")
    if not candidates:
        raise _NotHeld(_none_of(world, wanted, name))
    found = [(misses(wanted, each), each) for each in candidates]
    fewest, nearest = min(found, key=lambda pair: (len(pair[0]), pair[1]["metadata"]["name"]))
    if fewest:
        secret = wanted["kind"] == "Secret"
        raise _NotHeld(f"{object_text(wanted['kind'], nearest['metadata']['name'])}: {_list(fewest, secret)}")


def _absent(world: World, unwanted: Manifest) -> None:
    candidates, unwanted = _candidates(world, unwanted), _as_stored(unwanted)
    found = [each["metadata"]["name"] for each in candidates if not misses(unwanted, each)]
    if found:
        raise _NotHeld(f"there is {unwanted['kind']}/{', '.join(sorted(found)[:_NAMES_SHOWN])}")


def _candidates(world: World, partial: Manifest) -> Sequence[Manifest]:
    metadata = partial.get("metadata") or {}
    resource = _resource(world, partial["apiVersion"], partial["kind"])
    namespace = metadata.get("namespace") or world.namespace
    if name := metadata.get("name"):
        found = world.get(resource, namespace, name)
        return [found] if found else []
    return world.select(resource, namespace, {})


def _as_stored(partial: Manifest) -> Manifest:
    """The write-only `stringData` of a Secret, as the API server keeps it."""
    if partial["kind"] != "Secret" or not isinstance(partial.get("stringData"), dict):
        return partial
    coded = {key: base64.b64encode(str(value).encode()).decode() for key, value in partial["stringData"].items()}
    rest = {key: value for key, value in partial.items() if key != "stringData"}
    return rest | {"data": {**(partial.get("data") or {}), **coded}}


def _resource(world: World, api_version: str, kind: str) -> Resource:
    resource = world.find(api_version, kind)
    if resource is None:
        raise _NotHeld(no_kind(world, api_version, kind))
    return resource


def no_kind(world: World, api_version: str, kind: str) -> str:
    """What is said of a kind that the cluster lacks."""
    others = ", ".join(world.versions(kind))
    return f"the cluster has no kind {kind} in apiVersion {api_version}" + (f"; it is in {others}" if others else "")


def _none_of(world: World, wanted: Manifest, name: str | None) -> str:
    kind, namespace = wanted["kind"], (wanted.get("metadata") or {}).get("namespace") or world.namespace
    resource = _resource(world, wanted["apiVersion"], kind)
    return _none_named(world, resource, namespace, name)


def _none_named(world: World, resource: Resource, namespace: str, name: str | None) -> str:
    if name is None:
        return f"there is no {resource.kind}"
    names = sorted({world.stable(each["metadata"]["name"]) for each in world.select(resource, namespace, {})})
    shown = ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")
    return f"no {resource.kind} named {name}; " + (f"there are: {shown}" if names else "there are none")


def _list(found: Sequence[Miss], secret: bool = False) -> str:
    shown = [_hidden(miss) if secret else str(miss) for miss in found[:_SHOWN]]
    more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
    return "; ".join(shown) + more


def _hidden(miss: Miss) -> str:
    """A Secret's values go into no prompt."""
    return f"{miss.path} is not as wanted" if miss.path.startswith("data") else str(miss)


# ---- expression


def _expression(world: World, check: ExpressionCheck, answer: JsonValue) -> None:
    variables: dict[str, Any] = {name: _value(world, each) for name, each in check.with_.items()}
    if not evaluate(check.expression, variables | {"answer": answer}):
        raise _NotHeld("the expression is false")


def _value(world: World, reference: Reference) -> Any:
    resource = _resource(world, reference.api_version, reference.kind)
    namespace = reference.namespace or world.namespace
    if reference.name is None:
        found = world.select(resource, namespace, reference.labels)
        return [_plain(each) for each in found if not each["metadata"].get("deletionTimestamp")]
    named = world.get(resource, namespace, reference.name)
    if named is None:
        raise _NotHeld(_none_named(world, resource, namespace, reference.name))
    return _plain(named)


def _plain(item: Manifest) -> Manifest:
    """Without managedFields: half of an object, no expression's business, and CEL takes its time over them."""
    return {**item, "metadata": {key: value for key, value in item["metadata"].items() if key != "managedFields"}}


# ---- can


def _can(world: World, check: CanCheck) -> None:
    permission, namespace = check.can, world.namespace
    account = permission.service_account
    accounts = _resource(world, "v1", "ServiceAccount")
    if world.get(accounts, namespace, account) is None:
        raise _NotHeld(_none_named(world, accounts, namespace, account))
    plural, _, subresource = permission.resource.partition("/")
    resource = _by_plural(world, plural)
    question = Question(
        user=user_of(namespace, account),
        groups=groups_of(namespace),
        namespace=namespace if resource.namespaced else "",
        verb=permission.verb,
        group=resource.group,
        resource=resource.plural,
        subresource=subresource,
        name=permission.name or "",
    )
    if world.allowed(question) != permission.allowed:
        raise _NotHeld(f"ServiceAccount/{account} {'may not' if permission.allowed else 'may'}")


def _by_plural(world: World, plural: str) -> Resource:
    resource = world.by_plural(plural)
    if resource is None:
        raise _NotHeld(no_resource(plural))
    return resource


def no_resource(plural: str) -> str:
    """What is said of a resource that the cluster lacks."""
    return f"the cluster has no resource {plural}; write the plural with its group, such as deployments.apps"
