"""What every implementation of `Cluster` and `Workspace` keeps to."""

from __future__ import annotations

import http.client
import itertools
import json
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import TypeAdapter

from tests.support.running import Running
from voyager_k8s.clusters.kubernetes_cluster import KubernetesCluster
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.config import ClusterConfig
from voyager_k8s.core.errors import ClusterError, TaskRejected
from voyager_k8s.core.ports import Cluster, Workspace
from voyager_k8s.core.program import ApiAccess
from voyager_k8s.core.task import Check
from voyager_k8s.core.world import ObjectKey, Snapshot

pytestmark = pytest.mark.cluster

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", params=["embedded"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """One of each kind; a further kind is a further name here."""
    kubeconfig: Path = request.getfixturevalue("control_plane")
    cluster = KubernetesCluster(Running(kubeconfig), ClusterConfig(keep=True, notes="simulated nodes"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def new(cluster: Cluster) -> Iterator[Callable[[], Workspace]]:
    opened: list[Workspace] = []

    def new() -> Workspace:
        opened.append(cluster.workspace(f"contract-{next(_NUMBERS)}"))
        return opened[-1]

    yield new
    for each in opened:
        each.close()


@pytest.fixture
def workspace(new: Callable[[], Workspace]) -> Workspace:
    return new()


def call(access: ApiAccess, method: str, path: str, body: Manifest | None = None) -> tuple[int, Any]:
    """A request as a program in the workspace would make it."""
    url = urlsplit(access.server)
    context = ssl.create_default_context(cadata=access.certificate_authority)
    connection = http.client.HTTPSConnection(url.hostname or "", url.port, context=context, timeout=10)
    headers = {"Authorization": f"Bearer {access.token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def pod(name: str, image: str = "nginx:1.27") -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }


def deployment(name: str = "web", replicas: int = 3) -> Manifest:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod(name)["spec"]}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(name: str = "web") -> Manifest:
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def account(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


def without_namespace(snapshot: Snapshot) -> dict[ObjectKey, Manifest]:
    return {key._replace(namespace=""): manifest for key, manifest in snapshot.objects.items()}


def read(*checks: dict[str, Any]) -> list[Check]:
    return [TypeAdapter(Check).validate_python(check) for check in checks]


def test_facts_say_what_can_be_made(cluster: Cluster) -> None:
    facts = cluster.facts()
    assert facts.version.startswith("v1.")
    assert facts.nodes
    assert {"Deployment (apps/v1)", "Pod (v1)", "Role (rbac.authorization.k8s.io/v1)"} <= set(facts.kinds)
    assert not any(kind.startswith(("Node ", "Event ", "Lease ")) for kind in facts.kinds)
    assert facts.notes == "simulated nodes"


def test_starting_twice_changes_nothing(cluster: Cluster, workspace: Workspace) -> None:
    cluster.start()
    assert workspace.observe().snapshot.objects == {}


def test_a_workspace_takes_pods_at_once(workspace: Workspace) -> None:
    status, answer = call(workspace.access, "POST", f"/api/v1/namespaces/{workspace.namespace}/pods", pod("first"))
    assert (status, answer["kind"]) == (201, "Pod")


def test_a_name_that_is_taken_gets_a_number(cluster: Cluster, workspace: Workspace) -> None:
    other = cluster.workspace(workspace.namespace)
    try:
        assert other.namespace == f"{workspace.namespace}-2"
        assert other.access.namespace == other.namespace
    finally:
        other.close()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/namespaces/{other}/pods", None),
        ("POST", "/api/v1/namespaces/{other}/pods", pod("intruder")),
        ("GET", "/api/v1/namespaces/kube-system/secrets", None),
        ("GET", "/api/v1/namespaces/voyager-system/serviceaccounts", None),
        ("POST", "/api/v1/namespaces", {"metadata": {"name": "mine"}}),
        ("GET", "/api/v1/nodes", None),
        ("GET", "/api/v1/secrets", None),
    ],
)
def test_the_identity_ends_at_the_workspaces_walls(
    new: Callable[[], Workspace], method: str, path: str, body: Manifest | None
) -> None:
    workspace, other = new(), new()
    status, answer = call(workspace.access, method, path.format(other=other.namespace), body)
    assert (status, answer["reason"]) == (403, "Forbidden")


def test_a_grant_does_not_lead_out_of_the_workspace(workspace: Workspace) -> None:
    """Even a binding to cluster-admin, made inside, gives rights inside only."""
    binding = {
        "metadata": {"name": "all"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": workspace.namespace}],
    }
    root = "/apis/rbac.authorization.k8s.io/v1"
    inside = f"{root}/namespaces/{workspace.namespace}/rolebindings"
    assert call(workspace.access, "POST", inside, binding)[0] == 201
    assert call(workspace.access, "POST", f"{root}/clusterrolebindings", binding)[0] == 403


def test_set_up_is_applied_in_order_and_seen(workspace: Workspace) -> None:
    workspace.set_up([account("builder"), deployment(), service()])
    assert workspace.settle().calm
    kinds = [str(key) for key in workspace.observe().snapshot.objects]
    assert "Deployment/web" in kinds
    assert "ServiceAccount/builder" in kinds
    assert sum(kind.startswith("Pod/") for kind in kinds) == 3


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({**deployment(), "spec": {"replicas": "three"}}, "Deployment/web"),
        ({**deployment(), "spec": {**deployment()["spec"], "replcas": 3}}, "replcas"),
        ({**pod("web"), "metadata": {"name": "Not A Name"}}, "Pod/Not A Name"),
        ({**pod("web"), "metadata": {}}, "metadata.name is missing"),
        ({**pod("web"), "metadata": {"name": "web", "namespace": "default"}}, "names the namespace default"),
        ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}, "cluster-scoped"),
        ({"apiVersion": "v1", "kind": "Wardrobe", "metadata": {"name": "x"}}, "no kind Wardrobe in apiVersion v1"),
        ({}, "without kind"),
    ],
)
def test_a_set_up_that_cannot_be_is_refused(workspace: Workspace, manifest: Manifest, reason: str) -> None:
    with pytest.raises(TaskRejected, match=reason):
        workspace.set_up([manifest])
    assert workspace.observe().snapshot.objects == {}


def test_a_set_up_may_name_its_own_namespace(workspace: Workspace) -> None:
    workspace.set_up([{**service(), "metadata": {"name": "web", "namespace": workspace.namespace}}])
    assert "Service/web" in [str(key) for key in workspace.observe().snapshot.objects]


def test_a_quiet_workspace_is_calm(workspace: Workspace) -> None:
    settled = workspace.settle()
    assert settled.calm
    assert settled.seconds < 5


def test_settling_waits_for_a_rollout(workspace: Workspace) -> None:
    workspace.set_up([deployment()])
    assert workspace.settle().calm
    live = [each for key, each in workspace.observe().snapshot.objects.items() if key.kind == "Deployment"]
    assert live[0]["status"]["availableReplicas"] == 3


def test_what_no_node_takes_is_at_rest(workspace: Workspace) -> None:
    stuck = pod("stuck")
    stuck["spec"]["nodeSelector"] = {"disk": "made-of-cheese"}
    workspace.set_up([stuck])
    assert workspace.settle().calm
    assert any(each.reason == "FailedScheduling" for each in workspace.observe().events)


def test_the_same_set_up_gives_the_same_snapshot_and_events(new: Callable[[], Workspace]) -> None:
    seen = []
    for _ in range(3):
        workspace = new()
        workspace.set_up([deployment(), service()])
        workspace.settle()
        events = [(each.reason, each.object, each.count) for each in workspace.observe().events]
        seen.append((without_namespace(workspace.observe().snapshot), events))
    assert seen[0] == seen[1] == seen[2]
    assert ("SuccessfulCreate", "ReplicaSet/web-(rs1)", 1) in seen[0][1]


def test_a_world_at_rest_gives_equal_snapshots(workspace: Workspace) -> None:
    workspace.set_up(
        [deployment(), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "YQ=="}}]
    )
    workspace.settle()
    first = workspace.observe().snapshot
    assert first == workspace.observe().snapshot
    assert "YQ==" not in first.model_dump_json()


def test_checks_of_every_kind(workspace: Workspace) -> None:
    rbac, group = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
    head = {"apiVersion": rbac, "metadata": {"name": "reader"}}
    role = {**head, "kind": "Role", "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    subjects = [{"kind": "ServiceAccount", "name": "builder"}]
    ref = {"apiGroup": group, "kind": "Role", "name": "reader"}
    binding = {**head, "kind": "RoleBinding", "roleRef": ref, "subjects": subjects}
    workspace.set_up([account("builder"), role, binding, deployment(), service()])
    workspace.settle()
    pods = {"pods": {"apiVersion": "v1", "kind": "Pod", "labels": {"app": "web"}}}
    can = {"serviceAccount": "builder", "resource": "pods"}
    results = workspace.check(
        read(
            {"assert": {**deployment(), "status": {"availableReplicas": 3}}},
            {"assert": {**deployment(), "spec": {"replicas": 2}}},
            {"absent": {"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Failed"}}},
            {"expression": "pods.size() == 3 && pods.all(p, p.status.phase == 'Running')", "with": pods},
            {"can": {**can, "verb": "get"}},
            {"can": {**can, "verb": "delete"}},
            {"answer": {"n": 3}, "invariant": True},
        ),
        {"n": 3},
    )
    assert [each.holds for each in results] == [True, False, True, True, True, False, True]
    assert results[1].detail == "Deployment/web: spec.replicas is 3, wanted 2"
    assert [each.invariant for each in results] == [False] * 6 + [True]


def test_closing_does_not_wait_and_comes_to_an_end(cluster: Cluster) -> None:
    workspace = cluster.workspace(f"contract-{next(_NUMBERS)}")
    workspace.set_up([deployment()])
    start = time.monotonic()
    workspace.close()
    workspace.close()
    assert time.monotonic() - start < 0.1


def test_a_prepared_workspace_is_as_good_as_any(cluster: Cluster) -> None:
    name = f"contract-{next(_NUMBERS)}"
    cluster.prepare(name)
    cluster.prepare(name)
    workspace = cluster.workspace(name)
    try:
        assert workspace.namespace == name
        assert call(workspace.access, "GET", f"/api/v1/namespaces/{name}/pods")[0] == 200
    finally:
        workspace.close()


def test_what_goes_wrong_in_preparing_is_said_when_the_workspace_is_asked_for(cluster: Cluster) -> None:
    cluster.prepare("Not A Name")
    with pytest.raises(ClusterError, match="Not A Name"):
        cluster.workspace("Not A Name")


def test_a_programs_words_name_things_as_the_observation_does(workspace: Workspace) -> None:
    workspace.set_up([deployment("web", 1), service("web")])
    workspace.settle()
    pods = call(workspace.access, "GET", f"/api/v1/namespaces/{workspace.namespace}/pods")[1]["items"]
    (generated,) = (each["metadata"]["name"] for each in pods)
    shown = [key.name for key in workspace.observe().snapshot.objects if key.kind == "Pod"]
    assert shown != [generated]
    assert [workspace.stable(generated)] == shown
    assert workspace.stable("nothing of the cluster's") == "nothing of the cluster's"
    assert workspace.stable("back-off 40s restarting") == "back-off restarting"


def test_checks_right_after_an_observation_speak_of_what_was_observed(workspace: Workspace) -> None:
    (exists,) = read({"assert": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}}})
    workspace.observe()
    assert workspace.check([exists])[0].holds is False
    workspace.set_up([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}}])
    assert workspace.check([exists])[0].holds is True
