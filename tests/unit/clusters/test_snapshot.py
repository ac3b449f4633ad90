"""Snapshots and events of the same world are the same, whatever was random in it."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from voyager_k8s.clusters.aliases import Aliases, addresses_of, aliases_of
from voyager_k8s.clusters.events import events_of, is_overcome
from voyager_k8s.clusters.normalise import normalise
from voyager_k8s.clusters.snapshot import snapshot_of
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.world import Snapshot

SAFE = "bcdfghjklmnpqrstvwxz2456789"


class World:
    """Deployment web, its ReplicaSet, Pods, Service and Events, with random names, addresses and times."""

    def __init__(self, seed: int, pods: int = 3, broken: int = 0) -> None:
        self.random = random.Random(seed)
        self.revision_hash = "596556dd5f"
        self.set_name = f"web-{self.revision_hash}"
        self.pod_names = [f"{self.set_name}-{self.suffix()}" for _ in range(pods)]
        self.pods = [self.pod(name, number < broken) for number, name in enumerate(self.pod_names)]
        self.random.shuffle(self.pods)
        self.objects = [self.deployment(), self.replica_set(), *self.pods, self.slice(), *default_objects()]

    def suffix(self) -> str:
        return "".join(self.random.choice(SAFE) for _ in range(5))

    def meta(self, name: str, **more: Any) -> dict[str, Any]:
        uid = "-".join("".join(self.random.choice("0123456789abcdef") for _ in range(n)) for n in (8, 4, 4, 4, 12))
        version = str(self.random.randrange(10_000))
        return {"name": name, "namespace": "ns", "uid": uid, "resourceVersion": version, "generation": 1} | {
            "creationTimestamp": self.time(),
            "managedFields": [{"manager": "x", "time": self.time()}],
            **more,
        }

    def time(self) -> str:
        return f"2026-01-01T00:00:{self.random.randrange(10, 60)}Z"

    def deployment(self) -> Manifest:
        message = f'ReplicaSet "{self.set_name}" has successfully progressed.'
        condition = {"type": "Progressing", "lastUpdateTime": self.time(), "message": message}
        status = {"observedGeneration": 1, "conditions": [condition]}
        return self.item("apps/v1", "Deployment", self.meta("web"), spec={"replicas": 3}, status=status)

    def replica_set(self) -> Manifest:
        owner = {"kind": "Deployment", "name": "web", "uid": "u", "controller": True}
        notes = {"deployment.kubernetes.io/revision": "3", "deployment.kubernetes.io/revision-history": "1"}
        meta = self.meta(self.set_name, ownerReferences=[owner], annotations=notes)
        selector = {"matchLabels": {"app": "web", "pod-template-hash": self.revision_hash}}
        return self.item("apps/v1", "ReplicaSet", meta, spec={"selector": selector})

    def pod(self, name: str, broken: bool) -> Manifest:
        owner = {"kind": "ReplicaSet", "name": self.set_name, "uid": "u", "controller": True}
        labels = {"app": "web", "topology.kubernetes.io/zone": self.random.choice(["z1", "z2"])}
        meta = self.meta(name, generateName=f"{self.set_name}-", ownerReferences=[owner], labels=labels)
        volume = f"kube-api-access-{self.suffix()}"
        container = {"name": "web", "image": "nginx:1.27", "imagePullPolicy": "IfNotPresent"}
        container["volumeMounts"] = [{"name": volume, "mountPath": "/x"}]  # type: ignore[assignment]  # one literal
        spec = {"containers": [container], "volumes": [{"name": volume}], "nodeName": self.random.choice(["n1", "n2"])}
        waiting = {"reason": "CrashLoopBackOff", "message": f"back-off {self.random.randrange(9)}0s restarting failed"}
        state = {"waiting": waiting} if broken else {"running": {"startedAt": self.time()}}
        status = {
            "podIP": f"10.0.0.{self.random.randrange(99)}",
            "containerStatuses": [{"name": "web", "state": state}],
        }
        return self.item("v1", "Pod", meta, spec=spec, status=status)

    def slice(self) -> Manifest:
        meta = self.meta(f"web-{self.suffix()}", generateName="web-")
        endpoints = [{"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": name}} for name in self.pod_names]
        self.random.shuffle(endpoints)
        return self.item("discovery.k8s.io/v1", "EndpointSlice", meta, endpoints=endpoints)

    def events(self) -> list[Manifest]:
        found = [self.event("Deployment", "web", "ScalingReplicaSet", f"Scaled up replica set {self.set_name} to 3")]
        for name in self.pod_names:
            found.append(self.event("ReplicaSet", self.set_name, "SuccessfulCreate", f"Created pod: {name}"))
            node = self.random.choice(["n1", "n2"])
            found.append(self.event("Pod", name, "Scheduled", f"Successfully assigned ns/{name} to {node}"))
            found.append(self.event("Pod", name, "Started", "Started container web"))
        self.random.shuffle(found)
        return found

    def event(self, kind: str, name: str, reason: str, message: str, second: int | None = None) -> Manifest:
        second = self.random.choice([10, 11]) if second is None else second
        time = f"2026-01-01T00:00:{second:02}Z"
        about = {"kind": kind, "name": name}
        return {"metadata": {}, "involvedObject": about, "reason": reason, "message": message, "firstTimestamp": time}

    @staticmethod
    def item(api_version: str, kind: str, metadata: dict[str, Any], **rest: Any) -> Manifest:
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def default_objects() -> list[Manifest]:
    root = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "uid": "u"}}
    binding = {"apiVersion": "rbac/v1", "kind": "RoleBinding", "metadata": {"name": "ours"}}
    return [root, account, binding]


def taken(world: World) -> Snapshot:
    return snapshot_of(world.objects, "ours")


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_equal_worlds_give_equal_snapshots(broken: int) -> None:
    texts = {json.dumps(list(taken(World(seed, broken=broken)).objects.items())) for seed in range(10)}
    assert len(texts) == 1


def test_a_snapshot_holds_what_lasts() -> None:
    found = {str(key): manifest for key, manifest in taken(World(1, pods=1)).objects.items()}
    assert list(found) == ["Deployment/web", "ReplicaSet/web-(rs1)", "EndpointSlice/web-(1)", "Pod/web-(rs1)-(1)"]
    message = 'ReplicaSet "web-(rs1)" has successfully progressed.'
    assert found["Deployment/web"]["status"] == {"conditions": [{"type": "Progressing", "message": message}]}
    assert found["ReplicaSet/web-(rs1)"]["spec"] == {"selector": {"matchLabels": {"app": "web"}}}
    assert found["EndpointSlice/web-(1)"]["endpoints"] == [{"name": "Pod/web-(rs1)-(1)", "ready": True}]
    pod = found["Pod/web-(rs1)-(1)"]
    assert pod["metadata"]["labels"] == {"app": "web"}
    assert pod["spec"] == {"containers": [{"name": "web", "image": "nginx:1.27"}], "nodeName": "(any)"}
    assert pod["status"] == {"containerStatuses": [{"name": "web", "state": {"running": {}}}]}


def test_a_world_that_differs_gives_another_snapshot() -> None:
    assert taken(World(1, broken=1)) != taken(World(1, broken=2))


def test_normalising_leaves_its_argument_alone() -> None:
    pod = World(1).pods[0]
    before = copy.deepcopy(pod)
    normalise(pod)
    assert pod == before


def test_secrets_show_that_they_changed_but_not_their_value() -> None:
    def secret(value: str) -> Manifest:
        return normalise({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": value}})

    assert secret("aHVudGVyMg==") == secret("aHVudGVyMg==")
    assert secret("aHVudGVyMg==") != secret("aHVudGVyMw==")
    assert "aHVudGVyMg" not in json.dumps(secret("aHVudGVyMg=="))


def test_a_config_maps_data_is_content_whatever_it_looks_like() -> None:
    data = {"uid": "1", "time": "2026-01-01T00:00:00Z", "id": "c86752b0-6969-4b29-b387-828419ff7fc2", "none": ""}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "ns"}, "data": data}
    (found,) = snapshot_of([config], "ours").objects.values()
    assert found["data"] == data


def test_a_restart_shows_without_its_time() -> None:
    template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}}
    item = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": template}}
    annotations = normalise(item)["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"kubectl.kubernetes.io/restartedAt": "(time)"}


@pytest.mark.parametrize(("manager", "kept"), [({"f:nodePort": {}}, True), ({}, False)])
def test_a_node_port_is_kept_where_someone_asked_for_it(manager: dict[str, Any], kept: bool) -> None:
    managed = [{"fieldsV1": {"f:spec": {"f:ports": {'k:{"port":80}': manager}}}}]
    spec = {"clusterIP": "10.0.0.9", "ports": [{"port": 80, "nodePort": 30080}]}
    item = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "managedFields": managed}, "spec": spec}
    found = normalise(item)["spec"]
    assert ("nodePort" in found["ports"][0]) is kept
    assert "clusterIP" not in found


def test_a_headless_service_stays_headless() -> None:
    item = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"clusterIP": "None"}}
    assert normalise(item)["spec"] == {"clusterIP": "None"}


def test_where_a_pod_runs_shows_when_it_says_where_it_wants_to() -> None:
    spec = {"nodeName": "n1", "nodeSelector": {"disk": "ssd"}}
    item = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    assert normalise(item)["spec"]["nodeName"] == "n1"


def test_a_changed_default_service_account_shows() -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "ns"}}
    assert snapshot_of([account], "ours").objects == {}
    assert len(snapshot_of([account | {"automountServiceAccountToken": False}], "ours").objects) == 1


def test_jobs_of_a_cron_job_are_numbered_in_the_order_of_time() -> None:
    owner = {"kind": "CronJob", "name": "report", "controller": True}
    names = ["report-29387466", "report-29387465"]
    jobs = [
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "ownerReferences": [owner]}}
        for name in names
    ]
    aliases = aliases_of(jobs)
    assert [aliases.name(name) for name in names] == ["report-(2)", "report-(1)"]


def test_equal_worlds_give_equal_events() -> None:
    found = set()
    for seed in range(10):
        world = World(seed)
        found.add(events_of(world.events(), aliases_of(world.objects)))
    assert len(found) == 1
    texts = [f"{each.object} {each.reason}" for each in found.pop()]
    assert texts[:2] == ["Deployment/web ScalingReplicaSet", "ReplicaSet/web-(rs1) SuccessfulCreate"]
    assert texts[4:6] == ["Pod/web-(rs1)-(1) Scheduled", "Pod/web-(rs1)-(1) Started"]


@pytest.mark.parametrize(
    ("reason", "item", "overcome"),
    [
        ("FailedScheduling", {"kind": "Pod", "spec": {"nodeName": "node-1"}}, True),
        ("FailedScheduling", {"kind": "Pod", "spec": {}}, False),
        ("BackOff", {"kind": "Pod", "spec": {"nodeName": "node-1"}}, False),
        ("ExternalProvisioning", {"kind": "PersistentVolumeClaim", "status": {"phase": "Bound"}}, True),
        ("ExternalProvisioning", {"kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}, False),
    ],
)
def test_an_event_of_a_wait_that_is_over_is_overcome(reason: str, item: dict[str, object], overcome: bool) -> None:
    event = {"reason": reason, "involvedObject": {"kind": item["kind"], "name": "one"}}
    assert is_overcome(event, [{**item, "metadata": {"name": "one"}}]) == overcome
    assert not is_overcome(event, [{**item, "metadata": {"name": "another"}}])


def test_addresses_are_named_by_what_has_them() -> None:
    service = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"clusterIP": "10.96.1.10"}}
    headless = {"kind": "Service", "metadata": {"name": "db"}, "spec": {"clusterIP": "None"}}
    pod = {"kind": "Pod", "metadata": {"name": "one"}, "spec": {}, "status": {"podIP": "10.96.1.1"}}
    aliases = Aliases({}).extended(addresses_of([service, headless, pod], Aliases({})))
    assert aliases.text("10.96.1.10:80, 10.96.1.1, 10.96.1.100") == "(clusterIP of web):80, (IP of one), 10.96.1.100"


def test_later_bursts_of_events_stay_later() -> None:
    world = World(1)
    late = world.event("Deployment", "web", "ScalingReplicaSet", "Scaled down", 40)
    early = world.event("Pod", world.pod_names[0], "BackOff", "Back-off restarting", 10)
    assert [each.reason for each in events_of([late, early], aliases_of(world.objects))] == [
        "BackOff",
        "ScalingReplicaSet",
    ]


def test_like_events_are_counted_together() -> None:
    world = World(1)
    items = [world.event("Pod", world.pod_names[0], "BackOff", "again") | {"count": 3} for _ in range(2)]
    (found,) = events_of(items, aliases_of(world.objects))
    assert found.count == 6


def test_events_of_what_is_gone_have_stable_names_too() -> None:
    world = World(1)
    dead = f"{world.set_name}-{world.suffix()}"
    old = "web-6b7f8c9d5f"
    items = [
        world.event("ReplicaSet", world.set_name, "SuccessfulDelete", f"Deleted pod: {dead}", 10),
        world.event("Pod", dead, "Killing", "Stopping container web", 20),
        world.event("ReplicaSet", old, "SuccessfulDelete", f"Deleted pod: {old}-{world.suffix()}", 30),
    ]
    found = events_of(items, aliases_of(world.objects))
    assert [(each.object, each.message) for each in found] == [
        ("ReplicaSet/web-(rs1)", "Deleted pod: web-(rs1)-(gone)"),
        ("Pod/web-(rs1)-(gone)", "Stopping container web"),
        ("ReplicaSet/web-(gone)", "Deleted pod: web-(gone)-(gone)"),
    ]


def test_controllers_quarrels_are_no_news() -> None:
    world = World(1)
    assert events_of([world.event("Service", "web", "FailedToUpdateEndpointSlices", "conflict")], aliases_of([])) == ()
