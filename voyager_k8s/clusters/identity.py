"""Who a workspace's programs are: a ServiceAccount with every right in one namespace and none elsewhere.

The ServiceAccount lives in a namespace of its own kind, so that the workspace holds nothing but the
task's things; only the RoleBinding has to be in it, and is left out of snapshots.
"""

from __future__ import annotations

import time

from voyager_k8s.clusters.api import Api
from voyager_k8s.clusters.discovery import Resource
from voyager_k8s.clusters.permissions import Question, groups_of, user_of
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.errors import ClusterError

__all__ = ["BINDING", "LABEL", "NAMESPACE", "NAMESPACES", "identify", "is_ours", "lay_ground", "remove"]

NAMESPACE = "voyager-system"
"""Where all workspaces' ServiceAccounts live."""
BINDING = "voyager-workspace"
"""The RoleBinding's name, and the ClusterRole's."""
LABEL = "voyager-k8s/identity"
"""Marks what belongs to the identity and not to the task."""

_READY_SECONDS = 10.0
_LOOK_SECONDS = 0.005
_RBAC = "rbac.authorization.k8s.io"


def _core(plural: str, kind: str, namespaced: bool = True) -> Resource:
    return Resource("", "v1", plural, kind, namespaced, frozenset())


NAMESPACES = _core("namespaces", "Namespace", namespaced=False)
_ACCOUNTS = _core("serviceaccounts", "ServiceAccount")
_BINDINGS = Resource(_RBAC, "v1", "rolebindings", "RoleBinding", True, frozenset())
_ROLES = Resource(_RBAC, "v1", "clusterroles", "ClusterRole", False, frozenset())


def lay_ground(api: Api) -> None:
    """Create what all workspaces share; nothing happens where it is there."""
    api.apply(NAMESPACES, None, _object("v1", "Namespace", NAMESPACE))
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    api.apply(_ROLES, None, _object(f"{_RBAC}/v1", "ClusterRole", BINDING) | {"rules": rules})


def identify(api: Api, namespace: str) -> None:
    """Create a workspace's identity and wait until the authorizer knows it.

    Raises:
        ClusterError: the authorizer does not let it in within some seconds.
    """
    api.apply(_ACCOUNTS, NAMESPACE, _object("v1", "ServiceAccount", namespace))
    subject = {"kind": "ServiceAccount", "namespace": NAMESPACE, "name": namespace}
    role = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": BINDING}
    binding = _object(f"{_RBAC}/v1", "RoleBinding", BINDING)
    api.create(_BINDINGS, namespace, binding | {"subjects": [subject], "roleRef": role})
    _until_allowed(api, namespace)


def is_ours(item: Manifest) -> bool:
    """Whether an object belongs to the workspace and not to the task. By name, not by label: a program could hide
    its own by a label."""
    return bool(item["kind"] == "RoleBinding" and item["metadata"]["name"] == BINDING)


def remove(api: Api, namespace: str) -> None:
    """Delete a workspace's namespace and identity; returns before the namespace is gone."""
    api.delete(NAMESPACES, None, namespace)
    api.delete(_ACCOUNTS, NAMESPACE, namespace)


def _until_allowed(api: Api, namespace: str) -> None:
    """The authorizer follows RBAC objects by a watch of its own, some milliseconds behind."""
    user, groups = user_of(NAMESPACE, namespace), groups_of(NAMESPACE)
    question = Question(user, groups, namespace, verb="create", group="", resource="pods")
    deadline = time.monotonic() + _READY_SECONDS
    while not api.allowed(question):
        if time.monotonic() > deadline:
            raise ClusterError(f"{user} still has no rights in {namespace} after {_READY_SECONDS:g} s")
        time.sleep(_LOOK_SECONDS)


def _object(api_version: str, kind: str, name: str) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": {LABEL: "true"}}}
