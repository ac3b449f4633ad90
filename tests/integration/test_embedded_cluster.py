"""The embedded cluster as it is: started, used, taken down, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from kubernetes import client, config

from voyager_k8s.clusters.binaries import Binaries
from voyager_k8s.clusters.embedded import EmbeddedControlPlane, Owner, collect_garbage, list_clusters, take_down
from voyager_k8s.clusters.network_ports import is_free
from voyager_k8s.clusters.processes import processes_of
from voyager_k8s.clusters.settings import EmbeddedSettings
from voyager_k8s.core.errors import BusyError, ClusterError
from voyager_k8s.core.progress import Notice, silent

pytestmark = pytest.mark.cluster

Core = Any
"""A CoreV1Api; its annotations (every field may be None, no plain manifests) would only get in the way."""

_SECONDS = 30.0
"""More than anything here takes, on a busy machine too."""
_UP = """
import os, sys
from pathlib import Path
from voyager_k8s.clusters.binaries import Binaries
from voyager_k8s.clusters.embedded import EmbeddedControlPlane, Owner
from voyager_k8s.clusters.settings import EmbeddedSettings
from voyager_k8s.core.progress import silent
binaries, state, name = Binaries.model_validate_json(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
owner = Owner.this_process()
EmbeddedControlPlane(name, EmbeddedSettings(), binaries, state, silent, owner=owner).up()
print("up", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for found in list_clusters(tmp_path):
        take_down(tmp_path, found.name)


@pytest.fixture
def core(control_plane: Path) -> Core:
    return client.CoreV1Api(_client(control_plane))


def _client(kubeconfig: Path) -> Any:
    load: Any = config.new_client_from_config  # has no annotations
    return load(str(kubeconfig))


@pytest.fixture
def namespace(core: Core) -> Iterator[str]:
    name = f"embedded-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})
    _until(lambda: core.list_namespaced_service_account(name).items)
    yield name
    core.delete_namespace(name)


def _until(look: Callable[[], object]) -> None:
    deadline = monotonic() + _SECONDS
    while not look():
        assert monotonic() < deadline, "it did not come about"
        sleep(0.02)


def _pod(name: str, image: str = "nginx:1.27", restart: str = "Always", **container: Any) -> dict[str, Any]:
    spec = {"restartPolicy": restart, "containers": [{"name": "app", "image": image, **container}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _is_ready(pod: Any) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or [])


def _waits_for(pod: Any) -> str:
    statuses = [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]
    return next((each.state.waiting.reason for each in statuses if each.state.waiting), "")


def _reasons(core: Core, namespace: str, name: str) -> set[str]:
    events = core.list_namespaced_event(namespace, field_selector=f"involvedObject.name={name}").items
    return {event.reason for event in events}


def test_a_pod_runs_and_looks_like_one_on_a_real_node(core: Core, namespace: str) -> None:
    manifest = _pod("web")
    manifest["spec"]["initContainers"] = [
        {"name": "first", "image": "busybox", "command": ["sh", "-c", "echo hello"]},
        {"name": "sidecar", "image": "busybox", "restartPolicy": "Always"},
    ]
    core.create_namespaced_pod(namespace, manifest)
    _until(lambda: _is_ready(core.read_namespaced_pod("web", namespace)))
    pod = core.read_namespaced_pod("web", namespace)

    assert pod.status.phase == "Running"
    assert pod.status.pod_ip.startswith("10.244.")
    assert {each.type for each in pod.status.conditions if each.status == "True"} == {
        "PodScheduled",
        "PodReadyToStartContainers",
        "Initialized",
        "ContainersReady",
        "Ready",
    }
    (app,) = pod.status.container_statuses
    assert (app.image, app.ready, app.started, app.restart_count) == ("nginx:1.27", True, True, 0)
    assert app.image_id.startswith("docker.io/library/nginx@sha256:")
    done, sidecar = pod.status.init_container_statuses
    assert done.state.terminated.reason == "Completed"
    assert sidecar.state.running is not None
    _until(lambda: {"Scheduled", "Pulled", "Created", "Started"} <= _reasons(core, namespace, "web"))
    assert "simulated" in core.read_namespaced_pod_log("web", namespace, container="app")

    core.delete_namespaced_pod("web", namespace)
    _until(lambda: not core.list_namespaced_pod(namespace).items)


def test_a_job_completes_and_a_failing_one_fails(control_plane: Path, core: Core, namespace: str) -> None:
    batch: Any = client.BatchV1Api(_client(control_plane))
    for name, command in (("works", "echo done"), ("fails", "echo oops; exit 3")):
        template = {"spec": _pod("", "busybox", "Never", command=["sh", "-c", command])["spec"]}
        batch.create_namespaced_job(
            namespace, {"metadata": {"name": name}, "spec": {"backoffLimit": 0, "template": template}}
        )
    _until(lambda: batch.read_namespaced_job("works", namespace).status.succeeded)
    _until(lambda: batch.read_namespaced_job("fails", namespace).status.failed)

    pods = core.list_namespaced_pod(namespace).items
    codes = {
        pod.metadata.labels["batch.kubernetes.io/job-name"]: (
            pod.status.phase,
            pod.status.container_statuses[0].state.terminated.exit_code,
        )
        for pod in pods
    }
    assert codes == {"works": ("Succeeded", 0), "fails": ("Failed", 3)}


def test_an_image_that_does_not_exist_backs_off_until_it_is_mended(core: Core, namespace: str) -> None:
    core.create_namespaced_pod(namespace, _pod("web", image="nginx:no-such-tag"))
    _until(lambda: _waits_for(core.read_namespaced_pod("web", namespace)) == "ImagePullBackOff")
    pod = core.read_namespaced_pod("web", namespace)
    assert pod.status.phase == "Pending"
    assert "docker.io/library/nginx:no-such-tag: not found" in pod.status.container_statuses[0].state.waiting.message
    _until(lambda: {"Pulling", "Failed", "BackOff"} <= _reasons(core, namespace, "web"))

    core.patch_namespaced_pod("web", namespace, {"spec": {"containers": [{"name": "app", "image": "nginx:1.27"}]}})
    _until(lambda: _is_ready(core.read_namespaced_pod("web", namespace)))
    # And a running one that gets a bad image is not ready until that is mended, too.
    core.patch_namespaced_pod("web", namespace, {"spec": {"containers": [{"name": "app", "image": "ngnix"}]}})
    _until(lambda: _waits_for(core.read_namespaced_pod("web", namespace)) == "ImagePullBackOff")
    core.patch_namespaced_pod("web", namespace, {"spec": {"containers": [{"name": "app", "image": "nginx:1.28"}]}})
    _until(lambda: _is_ready(core.read_namespaced_pod("web", namespace)))


def test_a_deployment_with_a_bad_image_is_mended_by_an_update(control_plane: Path, namespace: str) -> None:
    apps: Any = client.AppsV1Api(_client(control_plane))
    core: Core = client.CoreV1Api(_client(control_plane))
    labels = {"app": "web"}
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": _pod("", "example.com/web:1")["spec"]},
    }
    apps.create_namespaced_deployment(namespace, {"metadata": {"name": "web"}, "spec": spec})
    _until(lambda: [_waits_for(pod) for pod in core.list_namespaced_pod(namespace).items] == ["ImagePullBackOff"] * 2)

    change = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "nginx:1.27"}]}}}}
    apps.patch_namespaced_deployment("web", namespace, change)
    _until(lambda: apps.read_namespaced_deployment("web", namespace).status.available_replicas == 2)
    _until(lambda: len(core.list_namespaced_pod(namespace).items) == 2)


def test_a_command_that_fails_goes_to_crash_loop_back_off(core: Core, namespace: str) -> None:
    core.create_namespaced_pod(namespace, _pod("bad", "busybox", command=["sh", "-c", "echo no config; exit 7"]))
    init = _pod("init")
    init["spec"]["initContainers"] = [{"name": "setup", "image": "busybox", "command": ["false"]}]
    core.create_namespaced_pod(namespace, init)
    _until(lambda: _waits_for(core.read_namespaced_pod("bad", namespace)) == "CrashLoopBackOff")
    _until(lambda: _waits_for(core.read_namespaced_pod("init", namespace)) == "CrashLoopBackOff")

    (app,) = core.read_namespaced_pod("bad", namespace).status.container_statuses
    assert app.restart_count >= 1
    assert app.last_state.terminated.exit_code == 7
    assert core.read_namespaced_pod("init", namespace).status.phase == "Pending"
    _until(lambda: "BackOff" in _reasons(core, namespace, "bad"))


def test_a_claim_gets_a_volume_that_goes_with_it(core: Core, namespace: str) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    core.create_namespaced_persistent_volume_claim(namespace, {"metadata": {"name": "data"}, "spec": claim})
    _until(lambda: core.read_namespaced_persistent_volume_claim("data", namespace).status.phase == "Bound")
    volume = core.read_namespaced_persistent_volume_claim("data", namespace).spec.volume_name

    core.delete_namespaced_persistent_volume_claim("data", namespace)
    _until(lambda: volume not in [each.metadata.name for each in core.list_persistent_volume().items])


def test_authorization_is_on(core: Core, control_plane: Path, namespace: str) -> None:
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "nobody"}})
    request = core.create_namespaced_service_account_token("nobody", namespace, {"spec": {"expirationSeconds": 600}})
    administrator = core.api_client.configuration
    theirs = client.Configuration(host=administrator.host)
    theirs.ssl_ca_cert = administrator.ssl_ca_cert
    theirs.api_key = {"authorization": f"Bearer {request.status.token}"}

    with pytest.raises(client.ApiException) as refused:
        client.CoreV1Api(client.ApiClient(theirs)).list_namespaced_secret(namespace)
    assert refused.value.status == 403
    assert f"system:serviceaccount:{namespace}:nobody" in str(refused.value.body)


def test_up_uses_a_running_cluster_and_reset_makes_a_clean_one_and_down_leaves_nothing(
    binaries: Binaries, state: Path
) -> None:
    def control_plane() -> EmbeddedControlPlane:
        return EmbeddedControlPlane("one", EmbeddedSettings(nodes=3), binaries, state, silent)

    first, second = control_plane(), control_plane()
    kubeconfig = first.up()
    before = first.status()
    assert (before.ready, before.nodes, before.owner_pid, len(before.pids)) == (True, 3, None, 5)
    assert second.up() == kubeconfig
    assert (first.started, second.started) == (True, False)
    assert second.status().pids == before.pids

    core: Core = client.CoreV1Api(_client(kubeconfig))
    core.create_namespace({"metadata": {"name": "litter"}})
    first.reset()
    core = client.CoreV1Api(_client(kubeconfig))
    assert "litter" not in [each.metadata.name for each in core.list_namespace().items]
    assert len(core.list_node().items) == 3

    first.down()
    assert not processes_of(before.folder)
    assert [path for path in state.rglob("*") if path.is_file()] == []
    assert list_clusters(state) == []


def test_a_program_that_dies_at_its_start_is_named_with_its_last_words(
    binaries: Binaries, state: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "etcd"
    broken.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "etcd Version: 3.6.8" && exit\necho the database is gone\n'
    )
    broken.chmod(0o755)
    control_plane = EmbeddedControlPlane(
        "broken", EmbeddedSettings(), binaries.model_copy(update={"etcd": broken}), state, silent
    )
    with pytest.raises(ClusterError, match=r"(?s)etcd of cluster broken died at its start.*the database is gone"):
        control_plane.up()
    assert list_clusters(state) == []


def test_other_ports_are_tried_when_one_is_taken_after_all(binaries: Binaries, state: Path, tmp_path: Path) -> None:
    late = tmp_path / "etcd"
    late.write_text(
        f"""#!/bin/bash
if [ "$1" != --version ] && ! [ -e {tmp_path}/tried ]; then
  : > {tmp_path}/tried
  echo "listen tcp 127.0.0.1: bind: address already in use"
  exit 1
fi
exec -a "$0" {binaries.etcd} "$@"
"""
    )
    late.chmod(0o755)
    notices: list[Notice] = []
    control_plane = EmbeddedControlPlane(
        "late", EmbeddedSettings(), binaries.model_copy(update={"etcd": late}), state, notices.append
    )
    control_plane.up()
    assert control_plane.status().ready
    assert [notice.text for notice in notices if notice.kind == "warning"] == [
        "etcd of cluster late found its port taken by another program; trying others"
    ]


def test_a_machine_without_room_or_ports_is_told_so(binaries: Binaries, state: Path) -> None:
    huge = EmbeddedSettings(free_mib=10**9)
    with pytest.raises(ClusterError, match=r"MiB free, a cluster needs 1000000000"):
        EmbeddedControlPlane("one", huge, binaries, state, silent).up()
    narrow = EmbeddedSettings(first_port=21000, last_port=21002)
    with pytest.raises(ClusterError, match=r"needs 6 free ports, and of 21000 to 21002 only"):
        EmbeddedControlPlane("one", narrow, binaries, state, silent).up()
    assert list_clusters(state) == []


def _start(binaries: Binaries, state: Path, name: str) -> subprocess.Popen[str]:
    """A process that starts a cluster of its own, says `up`, and goes on living."""
    command = [sys.executable, "-c", _UP, binaries.model_dump_json(), str(state), name]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)


def _says_up(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "up\n"


def test_two_started_at_once_run_side_by_side_and_orphans_of_the_killed_are_cleaned(
    binaries: Binaries, state: Path
) -> None:
    processes = [_start(binaries, state, name) for name in ("left", "right")]
    assert all([_says_up(process) for process in processes])
    left, right = list_clusters(state)
    assert left.ready
    assert right.ready
    assert left.server != right.server
    with pytest.raises(BusyError, match=f"belongs to process {processes[0].pid}"):
        EmbeddedControlPlane("left", EmbeddedSettings(), binaries, state, silent).up()
    assert collect_garbage(state) == []

    processes[0].send_signal(signal.SIGKILL)
    processes[0].communicate()
    assert list_clusters(state)[0].running  # orphaned
    assert collect_garbage(state) == ["left"]
    assert not processes_of(left.folder)
    assert not left.folder.exists()
    assert list_clusters(state)[0].ready  # the other one is untouched

    processes[1].send_signal(signal.SIGKILL)
    processes[1].communicate()
    control_plane = EmbeddedControlPlane(
        "right", EmbeddedSettings(), binaries, state, silent, owner=Owner.this_process()
    )
    control_plane.up()
    assert control_plane.status().owner_pid == os.getpid()
    assert control_plane.status().pids != right.pids
    control_plane.down()
    assert is_free(int(right.server.rpartition(":")[2]))


def test_a_start_that_is_killed_half_way_is_cleaned(binaries: Binaries, state: Path) -> None:
    process = _start(binaries, state, "half")
    folder = state / "clusters" / "half"
    _until(lambda: processes_of(folder))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert collect_garbage(state) == ["half"]
    sleep(0.2)  # a kwokctl cut short must not have started anything afterwards
    assert not processes_of(folder)
