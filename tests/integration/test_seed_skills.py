"""Every seed skill on a real API server, in the sandbox, with the rights of a workspace and no more."""

from __future__ import annotations

import itertools
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import Running
from voyager_k8s.clusters.kubernetes_cluster import KubernetesCluster
from voyager_k8s.core.config import ClusterConfig, SandboxConfig
from voyager_k8s.core.data import data_folder
from voyager_k8s.core.ports import Workspace
from voyager_k8s.core.program import Execution, Program
from voyager_k8s.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.cluster

LIBRARY = data_folder("skills").parent
IMAGE, OTHER_IMAGE, NO_IMAGE = "nginx:1.27", "nginx:1.28", "registry.example/none:9999"
DEPLOYMENT = {"api_version": "apps/v1", "kind": "Deployment"}
CONFIG_MAP = {"api_version": "v1", "kind": "ConfigMap"}
_numbers = itertools.count(1)


class Bench:
    """Calls skills as programs do."""

    def __init__(self, sandbox: ProcessSandbox, workspace: Workspace) -> None:
        self.sandbox, self.workspace, self.namespace = sandbox, workspace, workspace.namespace

    def run(self, source: str, **arguments: Any) -> Execution:
        program = Program(name="main", source=textwrap.dedent(source), arguments={})
        return self.sandbox.run(program, arguments, self.workspace.access, LIBRARY)

    def attempt(self, skill: str, **arguments: Any) -> Execution:
        source = f"from skills.{skill} import {skill}\ndef main(api, **given):\n    return {skill}(api, **given)\n"
        return self.run(source, **{"namespace": self.namespace, **arguments})

    def call(self, skill: str, **arguments: Any) -> Any:
        done = self.attempt(skill, **arguments)
        assert done.ok, done.error
        return done.result

    def error(self, skill: str, **arguments: Any) -> str:
        done = self.attempt(skill, **arguments)
        assert done.ending == "raised", done
        return done.error

    def apply(self, *manifests: dict[str, Any]) -> list[str]:
        applied: list[str] = self.call("apply_manifests", manifests=list(manifests))
        return applied

    def deploy(self, name: str, **changes: Any) -> str:
        self.apply(deployment(name, **changes))
        self.call("wait_for_rollout", name=name)
        return name


@pytest.fixture(scope="module")
def bench(control_plane: Path) -> Iterator[Bench]:
    cluster = KubernetesCluster(Running(control_plane), ClusterConfig())
    cluster.start()
    workspace = cluster.workspace("seed-skills")
    with ProcessSandbox(SandboxConfig(seconds=60)) as sandbox:
        yield Bench(sandbox, workspace)
    workspace.close()
    cluster.stop()


@pytest.fixture
def name() -> str:
    return f"web-{next(_numbers)}"


def deployment(
    name: str, *, image: str = IMAGE, replicas: int = 2, command: list[str] | None = None, **spec: Any
) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "web", "image": image, **({"command": command} if command else {})}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
            **spec,
        },
    }


def stateful_set(name: str, *, image: str = IMAGE) -> dict[str, Any]:
    made = deployment(name, image=image)
    made["kind"] = "StatefulSet"
    made["spec"]["serviceName"] = name
    return made


def daemon_set(name: str, *, image: str = IMAGE) -> dict[str, Any]:
    made = deployment(name, image=image)
    made["kind"] = "DaemonSet"
    del made["spec"]["replicas"]
    return made


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def job(name: str, *command: str) -> dict[str, Any]:
    container = {"name": "work", "image": "busybox:1.36", "command": list(command)}
    pod = {"restartPolicy": "Never", "containers": [container]}
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def meanwhile(seconds: float, action: Callable[[], Any]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def test_call_api_reaches_subresources_and_tells_the_servers_reason(bench: Bench, name: str) -> None:
    bench.deploy(name)
    done = bench.run(
        """\
        from skills.call_api import call_api
        from skills.resource_path import resource_path
        def main(api, *, namespace, name):
            path = resource_path(api, api_version="apps/v1", kind="Deployment", namespace=namespace, name=name)
            scale = call_api(api, method="GET", path=path + "/scale")
            return [scale["spec"], call_api(api, method="GET", path="/livez")]
        """,
        namespace=bench.namespace,
        name=name,
    )
    assert done.result == [{"replicas": 2}, "ok"]
    refused = bench.run(
        "from skills.call_api import call_api\ndef main(api):\n    call_api(api, method='GET', path='/api/v1/nodes')\n"
    )
    assert 'ApiException: 403 Forbidden: nodes is forbidden: User "system:serviceaccount:' in refused.error


def test_resource_path_finds_kinds_and_names_what_there_is(bench: Bench) -> None:
    namespace = bench.namespace
    given = {"api_version": "networking.k8s.io/v1", "kind": "Ingress", "name": "a/b"}
    assert bench.call("resource_path", **given) == f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/a%2Fb"
    assert bench.call("resource_path", api_version="v1", kind="Namespace", name="x") == "/api/v1/namespaces/x"
    assert "no kind Deploymnt in apiVersion apps/v1; it has ControllerRevision, DaemonSet, Deployment" in bench.error(
        "resource_path", api_version="apps/v1", kind="Deploymnt"
    )
    assert "this cluster has no apiVersion apps/v9" in bench.error("resource_path", api_version="apps/v9", kind="Pod")
    assert "Pod is namespaced" in bench.error("resource_path", api_version="v1", kind="Pod", namespace=None)


def test_apply_creates_updates_and_takes_fields_away(bench: Bench, name: str) -> None:
    live = bench.call("apply_manifest", manifest=config_map(name, a="1", b="2"))
    assert live["metadata"]["namespace"] == bench.namespace
    assert "managedFields" not in live["metadata"]
    again = bench.call("apply_manifest", manifest=live)
    assert again["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
    assert bench.call("apply_manifest", manifest=config_map(name, b="3"))["data"] == {"b": "3"}


def test_apply_takes_fields_over_only_by_force(bench: Bench, name: str) -> None:
    bench.call("apply_manifest", manifest=config_map(name, a="1"), field_manager="somebody")
    assert "409" in bench.error("apply_manifest", manifest=config_map(name, a="2"), force=False)
    assert bench.call("apply_manifest", manifest=config_map(name, a="2"))["data"] == {"a": "2"}


def test_apply_refuses_what_is_no_manifest(bench: Bench, name: str) -> None:
    assert "needs kind, metadata.name" in bench.error("apply_manifest", manifest={"apiVersion": "v1"})
    elsewhere = config_map(name)
    elsewhere["metadata"]["namespace"] = "default"
    assert "is for namespace default" in bench.error("apply_manifest", manifest=elsewhere)
    assert "422" in bench.error("apply_manifest", manifest=deployment(name, replicas=-1))


def test_apply_manifests_keeps_the_order(bench: Bench, name: str) -> None:
    assert bench.apply(config_map(name), deployment(name)) == [f"ConfigMap/{name}", f"Deployment/{name}"]


def test_get_object_reads_one_and_says_when_it_is_absent(bench: Bench, name: str) -> None:
    bench.apply(config_map(name, a="1"))
    live = bench.call("get_object", **CONFIG_MAP, name=name)
    assert (live["kind"], live["data"], "managedFields" in live["metadata"]) == ("ConfigMap", {"a": "1"}, False)
    assert bench.call("get_object", **CONFIG_MAP, name="none", missing_ok=True) is None
    assert f'ApiException: 404 Not Found: configmaps "{name}-2" not found' in bench.error(
        "get_object", **CONFIG_MAP, name=f"{name}-2"
    )


def test_list_objects_selects(bench: Bench, name: str) -> None:
    made = [config_map(f"{name}-{letter}") for letter in "ba"]
    for item in made:
        item["metadata"]["labels"] = {"of": name}
    bench.apply(*made)
    found = bench.call("list_objects", **CONFIG_MAP, label_selector=f"of={name}")
    assert [(item["kind"], item["metadata"]["name"]) for item in found] == [
        ("ConfigMap", f"{name}-a"),
        ("ConfigMap", f"{name}-b"),
    ]
    one = bench.call("list_objects", **CONFIG_MAP, field_selector=f"metadata.name={name}-b")
    assert [item["metadata"]["name"] for item in one] == [f"{name}-b"]


def test_patch_object_sets_and_deletes(bench: Bench, name: str) -> None:
    bench.apply(config_map(name, a="1", b="2"))
    patched = bench.call("patch_object", **CONFIG_MAP, name=name, patch={"data": {"a": None, "c": "3"}})
    assert patched["data"] == {"b": "2", "c": "3"}
    operation = [{"op": "replace", "path": "/data/b", "value": "4"}]
    patched = bench.call("patch_object", **CONFIG_MAP, name=name, patch=operation, patch_type="json")
    assert patched["data"] == {"b": "4", "c": "3"}
    assert "use one of merge, strategic, json" in bench.error(
        "patch_object", **CONFIG_MAP, name=name, patch={}, patch_type="yaml"
    )


def test_a_strategic_patch_merges_containers_by_name(bench: Bench, name: str) -> None:
    bench.apply(deployment(name))
    container = {"name": "web", "env": [{"name": "MODE", "value": "fast"}]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    patched = bench.call("patch_object", **DEPLOYMENT, name=name, patch=patch, patch_type="strategic")
    (found,) = patched["spec"]["template"]["spec"]["containers"]
    assert (found["image"], found["env"]) == (IMAGE, container["env"])


EDIT = """\
from skills.edit_object import edit_object
from skills.patch_object import patch_object
given = {"api_version": "v1", "kind": "ConfigMap"}
def main(api, *, namespace, name, disturb):
    seen = []
    def change(live):
        seen.append(live["data"].get("other"))
        if len(seen) <= disturb:
            patch_object(api, **given, name=name, namespace=namespace, patch={"data": {"other": str(len(seen))}})
        live["data"]["count"] = str(int(live["data"]["count"]) + 1)
    live = edit_object(api, **given, name=name, namespace=namespace, change=change)
    return [seen, live["data"]]
"""


def test_edit_object_is_done_again_on_a_conflict(bench: Bench, name: str) -> None:
    bench.apply(config_map(name, count="1"))
    done = bench.run(EDIT, namespace=bench.namespace, name=name, disturb=2)
    assert done.result == [[None, "1", "2"], {"count": "2", "other": "2"}], done.error
    conflict = bench.run(EDIT, namespace=bench.namespace, name=name, disturb=99)
    assert "409 Conflict" in conflict.error


def test_delete_object_waits_until_it_is_gone(bench: Bench, name: str) -> None:
    bench.deploy(name)
    assert bench.call("delete_object", **DEPLOYMENT, name=name) is True
    assert bench.call("get_object", **DEPLOYMENT, name=name, missing_ok=True) is None
    left = bench.call("list_objects", api_version="v1", kind="Pod", label_selector=f"app={name}")
    assert [pod for pod in left if not pod["metadata"].get("deletionTimestamp")] == []
    assert bench.call("delete_object", **DEPLOYMENT, name=name) is False
    assert "404" in bench.error("delete_object", **DEPLOYMENT, name=name, missing_ok=False)


def test_delete_object_names_the_finalizers_that_hold(bench: Bench, name: str) -> None:
    held = config_map(name)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    bench.apply(held)
    error = bench.error("delete_object", **CONFIG_MAP, name=name, timeout_seconds=0.3)
    assert f"TimeoutError: ConfigMap {name}: still there, finalizers ['example.com/hold']" in error
    bench.call("patch_object", **CONFIG_MAP, name=name, patch={"metadata": {"finalizers": None}})


def test_delete_object_is_not_misled_by_a_namesake(bench: Bench, name: str) -> None:
    bench.apply(stateful_set(name))
    bench.call("wait_for_rollout", name=name, kind="StatefulSet")
    assert bench.call("delete_object", api_version="v1", kind="Pod", name=f"{name}-0", timeout_seconds=30) is True
    bench.call("wait_for_pods", label_selector=f"app={name}", count=2)


def test_wait_until_follows_changes(bench: Bench, name: str) -> None:
    source = f"""\
        from skills.wait_until import wait_until
        def main(api, *, namespace):
            def two(objects):
                return len(objects) == 2 or f"{{len(objects)}} of 2"
            found = wait_until(api, api_version="v1", kind="ConfigMap", namespace=namespace,
                               label_selector="of={name}", until=two, timeout_seconds=20)
            return [[item["kind"], item["metadata"]["name"], "managedFields" in item["metadata"]] for item in found]
        """
    made = [config_map(f"{name}-{number}") for number in (1, 2)]
    for item in made:
        item["metadata"]["labels"] = {"of": name}
    timers = [meanwhile(0.3 * (at + 1), lambda item=item: bench.apply(item)) for at, item in enumerate(made)]  # type: ignore[misc] # mypy cannot infer a default argument's type
    done = bench.run(source, namespace=bench.namespace)
    for timer in timers:
        timer.join()
    assert done.result == [["ConfigMap", f"{name}-1", False], ["ConfigMap", f"{name}-2", False]], done.error


def test_wait_until_ends_at_the_deadline_with_what_is_missing(bench: Bench) -> None:
    started = time.monotonic()
    done = bench.run(
        """\
        from skills.wait_until import wait_until
        def main(api, *, namespace):
            wait_until(api, api_version="v1", kind="Pod", namespace=namespace, name="none",
                       until=lambda pods: "nothing there", timeout_seconds=0.5)
        """,
        namespace=bench.namespace,
    )
    assert "TimeoutError: Pod none: nothing there (waited 0.5 s)" in done.error
    assert time.monotonic() - started < 5


def test_wait_for_condition_returns_it_or_names_the_last(bench: Bench, name: str) -> None:
    bench.apply(deployment(name))
    found = bench.call("wait_for_condition", **DEPLOYMENT, name=name, condition="Available")
    assert (found["type"], found["status"]) == ("Available", "True")
    error = bench.error(
        "wait_for_condition", **DEPLOYMENT, name=name, condition="Available", status="False", timeout_seconds=0.2
    )
    assert "condition Available is True, not False (MinimumReplicasAvailable" in error
    error = bench.error("wait_for_condition", **DEPLOYMENT, name=name, condition="Ready", timeout_seconds=0.2)
    assert "no condition Ready, only" in error
    error = bench.error("wait_for_condition", **DEPLOYMENT, name="none", condition="Ready", timeout_seconds=0.2)
    assert "Deployment none: it does not exist" in error


def test_wait_for_condition_waits_for_an_object_to_appear(bench: Bench, name: str) -> None:
    timer = meanwhile(0.3, lambda: bench.apply(deployment(name)))
    found = bench.call("wait_for_condition", **DEPLOYMENT, name=name, condition="Available", timeout_seconds=30)
    timer.join()
    assert found["status"] == "True"


@pytest.mark.parametrize("make", [deployment, stateful_set, daemon_set])
def test_wait_for_rollout_of_every_kind(bench: Bench, name: str, make: Callable[..., dict[str, Any]]) -> None:
    kind = make(name)["kind"]
    for image in (IMAGE, OTHER_IMAGE):
        bench.apply(make(name, image=image))
        bench.call("wait_for_rollout", name=name, kind=kind)
        bench.call("wait_for_pods", label_selector=f"app={name}", count=2)
        pods = bench.call("list_objects", api_version="v1", kind="Pod", label_selector=f"app={name}")
        live = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        assert {pod["spec"]["containers"][0]["image"] for pod in live} == {image}


@pytest.mark.parametrize("make", [deployment, stateful_set, daemon_set])
def test_a_rollout_that_cannot_succeed_is_given_up_early(
    bench: Bench, name: str, make: Callable[..., dict[str, Any]]
) -> None:
    kind = make(name)["kind"]
    bench.apply(make(name, image=NO_IMAGE))
    started = time.monotonic()
    error = bench.error("wait_for_rollout", name=name, kind=kind, timeout_seconds=55)
    assert f"RuntimeError: rollout of {kind} {name} cannot succeed: Pod/{name}-" in error
    assert "ImagePullBackOff" in error
    assert time.monotonic() - started < 40


def test_a_crash_loop_ends_the_wait(bench: Bench, name: str) -> None:
    # A container that crashes may be ready for a moment before.
    bench.apply(deployment(name, image="busybox:1.36", command=["sh", "-c", "exit 3"], minReadySeconds=30))
    error = bench.error("wait_for_rollout", name=name, timeout_seconds=55)
    assert "CrashLoopBackOff" in error
    assert "container web" in error


def test_broken_pods_of_an_older_template_do_not_end_the_wait(bench: Bench, name: str) -> None:
    bench.apply(deployment(name, image=NO_IMAGE))
    assert "ImagePullBackOff" in bench.error("wait_for_rollout", name=name)
    bench.call("set_image", name=name, image=IMAGE)
    assert bench.call("wait_for_rollout", name=name)["availableReplicas"] == 2


def test_the_progress_deadline_ends_the_wait(bench: Bench, name: str) -> None:
    unschedulable = deployment(name, progressDeadlineSeconds=1)
    unschedulable["spec"]["template"]["spec"]["nodeSelector"] = {"none": "such"}
    bench.apply(unschedulable)
    assert "RuntimeError: ProgressDeadlineExceeded" in bench.error("wait_for_rollout", name=name, timeout_seconds=55)


def test_a_rollout_that_takes_too_long_names_why(bench: Bench, name: str) -> None:
    unschedulable = deployment(name)
    unschedulable["spec"]["template"]["spec"]["nodeSelector"] = {"none": "such"}
    bench.apply(unschedulable)
    error = bench.error("wait_for_rollout", name=name, timeout_seconds=1)
    assert f"TimeoutError: rollout of Deployment {name} is not complete: 0 of 2 updated Pods available" in error
    assert "Unschedulable" in error
    assert "it does not exist" in bench.error("wait_for_rollout", name="none", timeout_seconds=0.2)
    assert "kind is one of Deployment, StatefulSet, DaemonSet" in bench.error("wait_for_rollout", name=name, kind="Pod")


def test_wait_for_job_returns_or_tells_why_it_failed(bench: Bench, name: str) -> None:
    bench.apply(job(name, "echo", "done"))
    assert bench.call("wait_for_job", name=name)["succeeded"] == 1
    bench.apply(job(f"{name}-bad", "sh", "-c", "exit 4"))
    error = bench.error("wait_for_job", name=f"{name}-bad")
    assert f"RuntimeError: Job {name}-bad failed: BackoffLimitExceeded" in error
    assert "Pod/" in error
    bench.apply(job(f"{name}-long", "sleep", "infinity"))
    error = bench.error("wait_for_job", name=f"{name}-long", timeout_seconds=1)
    assert "1 active, 0 succeeded, 0 failed of 1 wanted" in error


def test_wait_for_pods_counts(bench: Bench, name: str) -> None:
    bench.apply(deployment(name, replicas=3))
    found = bench.call("wait_for_pods", label_selector=f"app={name}", count=3)
    assert len(found) == 3
    assert found == sorted(found)
    error = bench.error("wait_for_pods", label_selector=f"app={name}", count=2, timeout_seconds=0.2)
    assert "3 Pods, 2 wanted, not ready: none" in error
    bench.call("scale_workload", name=name, replicas=0)
    assert bench.call("wait_for_pods", label_selector=f"app={name}", count=0) == []


def test_wait_for_pods_names_those_that_are_not_ready(bench: Bench, name: str) -> None:
    bench.apply(deployment(name, image=NO_IMAGE, replicas=1))
    (found,) = bench.call("wait_for_pods", label_selector=f"app={name}", count=1, ready=False)
    error = bench.error("wait_for_pods", label_selector=f"app={name}", timeout_seconds=0.2)
    assert f"1 Pods, at least 1 wanted, not ready: {found}" in error


def test_read_logs_gives_text_or_the_servers_reason(bench: Bench, name: str) -> None:
    bench.deploy(name, replicas=1)
    (pod,) = bench.call("wait_for_pods", label_selector=f"app={name}")
    assert isinstance(bench.call("read_logs", name=pod), str)
    assert "container none is not valid" in bench.error("read_logs", name=pod, container="none")


def test_list_events_is_compact_and_selects(bench: Bench, name: str) -> None:
    bench.deploy(name)
    (event, *_) = bench.call("list_events", kind="Deployment", name=name)
    assert event == {
        "type": "Normal",
        "reason": "ScalingReplicaSet",
        "object": f"Deployment/{name}",
        "message": event["message"],
        "count": 1,
    }
    assert bench.call("list_events", kind="Deployment", name=name, warnings_only=True) == []
    assert len(bench.call("list_events", limit=2)) == 2


def test_find_problems_says_what_is_wrong_and_why(bench: Bench, name: str) -> None:
    bench.deploy(name)
    assert bench.call("find_problems", label_selector=f"app={name}") == []
    bench.call("set_image", name=name, image=NO_IMAGE)
    bench.error("wait_for_rollout", name=name)
    (problem,) = bench.call("find_problems", label_selector=f"app={name}")
    assert problem["object"].startswith(f"Pod/{name}-")
    assert problem["reason"] == "ImagePullBackOff"
    assert NO_IMAGE in problem["message"]


def test_find_problems_tells_pods_that_are_never_made(bench: Bench, name: str) -> None:
    refused = deployment(name)
    refused["spec"]["template"]["spec"]["serviceAccountName"] = "none"
    bench.apply(refused)
    bench.call("wait_for_condition", **DEPLOYMENT, name=name, condition="ReplicaFailure", timeout_seconds=30)
    found = {problem["object"]: problem for problem in bench.call("find_problems")}
    assert found[f"Deployment/{name}"]["reason"] == "FailedCreate"
    assert "serviceaccount" in found[f"Deployment/{name}"]["message"]


def test_find_problems_tells_unschedulable_pods(bench: Bench, name: str) -> None:
    greedy = deployment(name, replicas=1)
    greedy["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "9999"}}
    bench.apply(greedy)
    bench.error("wait_for_rollout", name=name, timeout_seconds=1)
    (problem,) = bench.call("find_problems", label_selector=f"app={name}")
    assert problem["reason"] == "Unschedulable"
    assert "Insufficient cpu" in problem["message"]


def test_scale_workload_sets_replicas(bench: Bench, name: str) -> None:
    bench.deploy(name)
    assert bench.call("scale_workload", name=name, replicas=4) == 4
    assert bench.call("wait_for_rollout", name=name)["availableReplicas"] == 4
    assert bench.call("scale_workload", name=name, replicas=0) == 0
    bench.apply(daemon_set(f"{name}-ds"))
    assert "404" in bench.error("scale_workload", name=f"{name}-ds", kind="DaemonSet", replicas=1)


def test_set_image_changes_one_container(bench: Bench, name: str) -> None:
    bench.apply(deployment(name))
    assert bench.call("set_image", name=name, image=OTHER_IMAGE) == IMAGE
    two = deployment(f"{name}-2")
    two["spec"]["template"]["spec"]["containers"].append(
        {"name": "side", "image": "busybox:1.36", "command": ["sleep", "9d"]}
    )
    bench.apply(two)
    assert "give a container: web, side" in bench.error("set_image", name=f"{name}-2", image=IMAGE)
    assert "no container 'none'; it has web, side" in bench.error(
        "set_image", name=f"{name}-2", image=IMAGE, container="none"
    )
    assert bench.call("set_image", name=f"{name}-2", image="busybox:1.37", container="side") == "busybox:1.36"


def test_set_image_of_a_cron_job(bench: Bench, name: str) -> None:
    template = {"spec": job(name, "true")["spec"]}
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": template},
    }
    bench.apply(cron)
    assert bench.call("set_image", name=name, kind="CronJob", image="busybox:1.37") == "busybox:1.36"
    live = bench.call("get_object", api_version="batch/v1", kind="CronJob", name=name)
    assert live["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] == "busybox:1.37"


@pytest.mark.parametrize("make", [deployment, stateful_set, daemon_set])
def test_restart_workload_replaces_the_pods(bench: Bench, name: str, make: Callable[..., dict[str, Any]]) -> None:
    kind = make(name)["kind"]
    bench.apply(make(name))
    bench.call("wait_for_rollout", name=name, kind=kind)
    uids = [{pod["metadata"]["uid"] for pod in _pods(bench, name)}]
    assert bench.call("restart_workload", name=name, kind=kind)
    bench.call("wait_for_rollout", name=name, kind=kind)
    bench.call("wait_for_pods", label_selector=f"app={name}", count=2)
    uids.append({pod["metadata"]["uid"] for pod in _pods(bench, name)})
    assert not uids[0] & uids[1]


def _pods(bench: Bench, name: str) -> list[dict[str, Any]]:
    pods = bench.call("list_objects", api_version="v1", kind="Pod", label_selector=f"app={name}")
    return [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]


@pytest.mark.parametrize("make", [deployment, stateful_set, daemon_set])
def test_rollback_workload_puts_the_template_back(bench: Bench, name: str, make: Callable[..., dict[str, Any]]) -> None:
    kind = make(name)["kind"]
    images = [IMAGE, OTHER_IMAGE, "nginx:1.29"]
    for image in images:
        bench.apply(make(name, image=image))
        bench.call("wait_for_rollout", name=name, kind=kind)

    def image_now() -> str:
        live = bench.call("get_object", api_version="apps/v1", kind=kind, name=name)
        return str(live["spec"]["template"]["spec"]["containers"][0]["image"])

    assert bench.call("rollback_workload", name=name, kind=kind) == 2
    bench.call("wait_for_rollout", name=name, kind=kind)
    assert image_now() == images[1]
    assert bench.call("rollback_workload", name=name, kind=kind, revision=1) == 1
    bench.call("wait_for_rollout", name=name, kind=kind)
    assert image_now() == images[0]
    live = bench.call("get_object", api_version="apps/v1", kind=kind, name=name)
    assert "pod-template-hash" not in live["spec"]["template"]["metadata"]["labels"]
    assert "has no revision 99; it has 3, 4, 5" in bench.error("rollback_workload", name=name, kind=kind, revision=99)


def test_rollback_workload_says_when_there_is_nothing_to_go_back_to(bench: Bench, name: str) -> None:
    bench.deploy(name)
    assert "has no revision before the current one; it has 1" in bench.error("rollback_workload", name=name)
    bench.call("patch_object", **DEPLOYMENT, name=name, patch={"spec": {"paused": True}})
    assert "is paused" in bench.error("rollback_workload", name=name)
