"""The workspace side of `clusters/` on a real control plane: what the ports do not show."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.support.running import Running
from voyager_k8s.clusters import identity
from voyager_k8s.clusters.api import Api, ApiRefusal
from voyager_k8s.clusters.discovery import Resource
from voyager_k8s.clusters.hub import Hub
from voyager_k8s.clusters.kubernetes_cluster import KubernetesCluster
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.changes import changes_between
from voyager_k8s.core.config import ClusterConfig
from voyager_k8s.core.errors import ClusterError, TaskRejected
from voyager_k8s.core.task import Check

pytestmark = pytest.mark.cluster


@pytest.fixture
def api(control_plane: Path) -> Iterator[Api]:
    api = Api(control_plane)
    yield api
    api.close()


@pytest.fixture
def running(control_plane: Path) -> Running:
    return Running(control_plane)


@pytest.fixture
def cluster(running: Running) -> Iterator[KubernetesCluster]:
    cluster = KubernetesCluster(running, ClusterConfig(keep=True))
    cluster.start()
    yield cluster
    cluster.stop()


def config_map(name: str, **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_a_deployments_change_is_told_by_field(cluster: KubernetesCluster) -> None:
    container = {"name": "web", "image": "nginx:1.26"}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    workspace = cluster.workspace("fields")
    workspace.set_up([deployment])
    workspace.settle()
    before = workspace.observe().snapshot
    container["image"] = "nginx:1.27"
    workspace.set_up([deployment])
    assert workspace.settle().calm
    found = {str(each.key): each for each in changes_between(before, workspace.observe().snapshot)}
    images = {field.path: (field.before, field.after) for field in found["Deployment/web"].fields}
    assert images["spec.template.spec.containers[web].image"] == ("nginx:1.26", "nginx:1.27")
    assert found["ReplicaSet/web-(rs2)"].action == "created"
    assert found["Pod/web-(rs1)-(1)"].action == "deleted"
    assert found["Pod/web-(rs2)-(2)"].action == "created"
    workspace.close()


@pytest.mark.parametrize(
    ("pod", "phase"),
    [
        ({"containers": [{"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", "exit 2"]}]}, "Running"),
        (
            {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", "exit 2"]}],
            },
            "Failed",
        ),
        (
            {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": "busybox:1.36", "command": ["echo", "x"]}],
            },
            "Succeeded",
        ),
        ({"containers": [{"name": "main", "image": "nginx:9999-missing.invalid"}]}, "Pending"),
    ],
    ids=["crash", "fail", "complete", "no image"],
)
def test_rest_comes_after_what_a_pod_comes_to(cluster: KubernetesCluster, pod: Manifest, phase: str) -> None:
    workspace = cluster.workspace("rest")
    workspace.set_up([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": pod}])
    assert workspace.settle().calm
    at_rest = workspace.observe().snapshot
    ((_, one),) = ((key, value) for key, value in at_rest.objects.items() if key.kind == "Pod")
    assert one["status"]["phase"] == phase
    assert not any(each.get("type") == "Ready" and each["status"] == "True" for each in one["status"]["conditions"])
    time.sleep(1.0)  # the point of the test: nothing more happens
    assert workspace.observe().snapshot == at_rest


def test_checks_are_validated_against_what_the_cluster_serves(cluster: KubernetesCluster) -> None:
    workspace = cluster.workspace("validation")
    check: Check = TypeAdapter(Check).validate_python({"assert": {"apiVersion": "apps/v2", "kind": "Deployment"}})
    with pytest.raises(TaskRejected, match="it is in apps/v1"):
        workspace.validate([check])
    workspace.close()


def test_closing_removes_namespace_and_identity(cluster: KubernetesCluster, api: Api) -> None:
    workspace = cluster.workspace("leaving")
    cluster.prepare("unused")
    workspace.close()
    cluster.stop()
    accounts = api.catalogue().find("v1", "ServiceAccount")
    assert accounts is not None
    for name in (workspace.namespace, "unused"):
        namespace = api.get(identity.NAMESPACES, None, name)
        assert namespace is None or namespace["metadata"]["deletionTimestamp"]
        assert api.get(accounts, identity.NAMESPACE, name) is None


def test_a_cluster_that_was_stopped_says_so(cluster: KubernetesCluster) -> None:
    cluster.stop()
    with pytest.raises(ClusterError, match="not started"):
        cluster.workspace("late")


@pytest.mark.parametrize("keep", [True, False])
def test_a_control_plane_is_taken_down_unless_it_is_kept(running: Running, keep: bool) -> None:
    cluster = KubernetesCluster(running, ClusterConfig(keep=keep))
    cluster.start()
    cluster.stop()
    assert running.ended is not keep


def test_a_cluster_that_cannot_be_reached_does_not_start(tmp_path: Path) -> None:
    cluster = KubernetesCluster(Running(tmp_path / "kubeconfig"), ClusterConfig())
    with pytest.raises(ClusterError, match="kubeconfig"):
        cluster.start()


def test_workspaces_side_by_side(cluster: KubernetesCluster) -> None:
    failures: list[BaseException] = []

    def use(number: int) -> None:
        try:
            workspace = cluster.workspace("side")
            workspace.set_up([config_map("mine", n=str(number))])
            workspace.settle()
            (found,) = workspace.observe().snapshot.objects.values()
            assert found["data"] == {"n": str(number)}
            workspace.close()
        except BaseException as error:  # noqa: BLE001 (told in the main thread)
            failures.append(error)

    threads = [threading.Thread(target=use, args=[number]) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []


def test_the_hub_sees_what_comes_and_goes(api: Api) -> None:
    maps = api.catalogue().find("v1", "ConfigMap")
    assert maps is not None
    hub = Hub(api, [maps])
    hub.start()
    try:
        before = hub.view("default")
        api.apply(maps, "default", config_map("passing", a="1"))
        assert hub.wait_until(lambda: hub.holds("ConfigMap", "default", "passing"), 10)
        assert hub.view("default").changed > before.changed
        api.delete(maps, "default", "passing")
        assert hub.wait_until(lambda: not hub.holds("ConfigMap", "default", "passing"), 10)
        assert hub.trouble() == ""
    finally:
        start = time.monotonic()
        hub.stop()
    assert time.monotonic() - start < 5


def test_a_watch_ends_when_it_is_told_to(api: Api) -> None:
    classes = Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", False, frozenset())
    watch = api.watch(classes, api.list(classes).version)
    timer = threading.Timer(0.2, watch.stop)
    timer.start()
    assert list(watch) == []
    timer.join()


def test_a_watch_from_no_version_is_refused(api: Api) -> None:
    with pytest.raises(ApiRefusal):
        api.watch(identity.NAMESPACES, "not a version")
