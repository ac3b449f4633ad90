"""Every task of `first-steps` can be done: a program written by hand does it, for all values and twice over.

The programs are in `solutions/`, in the form of a skill. What is shown: the set-up can be applied, no check
holds in it (and every invariant does), and there is a world in which all checks hold.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from pydantic import JsonValue

from tests.support.running import Running
from voyager_k8s.agents.curriculum import TaskList, Wanted
from voyager_k8s.clusters.kubernetes_cluster import KubernetesCluster
from voyager_k8s.core.config import ClusterConfig, SandboxConfig
from voyager_k8s.core.data import data_folder
from voyager_k8s.core.program import Program
from voyager_k8s.core.progress import Progress
from voyager_k8s.core.task import Task, Values
from voyager_k8s.core.world import ClusterFacts
from voyager_k8s.learning.record import Phases
from voyager_k8s.learning.trial import Bench, Trial, require_undone
from voyager_k8s.library.seeds import seed_store
from voyager_k8s.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.cluster

SOLUTIONS = Path(__file__).parent / "solutions"
ARGUMENTS: dict[str, Values] = yaml.safe_load((SOLUTIONS / "arguments.yaml").read_text())
HASTY: dict[str, tuple[str, str]] = {
    "restore_replicas": (
        """\
        for live in list_objects(api, api_version="apps/v1", kind="Deployment", namespace=namespace):
            scale_workload(api, name=live["metadata"]["name"], namespace=namespace, replicas=task["replicas"])
        """,
        "assert Deployment/shop-batch: spec.replicas=0",
    ),
    "expose_deployment": (
        """\
        ports = [{"port": task["port"], "targetPort": "http"}]
        spec = {"selector": {"part-of": task["app"]}, "ports": ports}
        named = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": task["app"]}}
        apply_manifest(api, manifest={**named, "spec": spec}, namespace=namespace)
        """,
        "expression pods.size() == 2 && slices.size() == 1",
    ),
    "roll_out_image": (
        """\
        container = {"name": task["container"], "image": task["image"]}
        patch_template(api, namespace, task["app"], {"containers": [container]}, "merge")
        """,
        "assert Deployment/shop: spec.replicas=3",
    ),
    "mend_image_tag": (
        """\
        container = {"name": task["broken"], "image": "nginx:1.27", "livenessProbe": None}
        patch_template(api, namespace, task["app"], {"containers": [container]}, "strategic")
        """,
        "containers[web].livenessProbe",
    ),
    "mend_service": (
        """\
        patch = [
            {"op": "remove", "path": "/spec/selector/tier"},
            {"op": "replace", "path": "/spec/ports/0/targetPort", "value": task["port_name"]},
        ]
        named = {"api_version": "v1", "kind": "Service", "name": task["app"]}
        patch_object(api, **named, namespace=namespace, patch=patch, patch_type="json")
        """,
        "expression pods.size() == 3 && slices.size() == 1",
    ),
    "mend_command": (
        """\
        container = {"name": "main", "command": task["command"]}
        patch_template(api, namespace, task["app"], {"containers": [container]}, "strategic")
        """,
        'containers[main].command=["sleep", "infinity"]',
    ),
    "list_unhealthy_pods": (
        """\
        pods = list_objects(api, api_version="v1", kind="Pod", namespace=namespace)
        return sorted(pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] != "Running")
        """,
        "answer [",
    ),
    "undo_release": (
        """\
        rollback_workload(api, name=task["app"], namespace=namespace, revision=1)
        """,
        "image=nginx:1.26",
    ),
}
"""What somebody in a hurry would do instead, and a check that must catch it."""

HELPERS = """\
def patch_template(api, namespace, name, spec, patch_type):
    patch = {"spec": {"template": {"spec": spec}}}
    given = {"api_version": "apps/v1", "kind": "Deployment", "name": name, "namespace": namespace}
    patch_object(api, **given, patch=patch, patch_type=patch_type)
"""


class Solved(NamedTuple):
    """A task and the program that does it."""

    task: Task
    program: Program


def _tasks() -> list[Task]:
    """As a campaign is handed them."""
    curriculum = TaskList.read(data_folder("curricula") / "first-steps.yaml")
    facts = ClusterFacts(version="", nodes=(), kinds=())
    rounds = range(1, (curriculum.rounds or 0) + 1)
    wanted = (Wanted(task_id=f"steps-{each:02}", round=each, progress=Progress(), facts=facts) for each in rounds)
    return [task for each in wanted if (task := curriculum.propose_next_task(each))]


def _program(name: str) -> Program:
    source = (SOLUTIONS / f"{name}.py").read_text()
    return Program(name=name, source=source, arguments={"namespace": "{{ namespace }}", **ARGUMENTS[name]})


SOLVED = {name: Solved(task, _program(name)) for name, task in zip(ARGUMENTS, _tasks(), strict=True)}


def _hasty(name: str, task: Task) -> Program:
    skills = ("apply_manifest", "list_objects", "patch_object", "rollback_workload", "scale_workload")
    imports = "".join(f"from skills.{skill} import {skill}\n" for skill in skills)
    body = textwrap.indent(textwrap.dedent(HASTY[name][0]), "    ")
    source = f"{imports}{HELPERS}def hurry(api, *, namespace, **task):\n{body}"
    given: Values = {parameter: "{{ " + parameter + " }}" for parameter in ("namespace", *task.parameters)}
    return Program(name="hurry", source=source, arguments=given)


@pytest.fixture(scope="module")
def bench(control_plane: Path) -> Iterator[Bench]:
    cluster = KubernetesCluster(Running(control_plane), ClusterConfig(keep=True))
    cluster.start()
    with ProcessSandbox(SandboxConfig(seconds=30)) as sandbox:
        yield Bench(cluster, sandbox, seed_store())
    cluster.stop()


def _do(trial: Trial, program: Program) -> JsonValue:
    execution = trial.run(program)
    assert execution.ok, execution.error
    assert trial.settle().calm
    return execution.result


def _failing(trial: Trial, answer: JsonValue) -> list[str]:
    results = trial.workspace.check(trial.task.checks, answer)
    return [f"{each.text}: {each.detail}" for each in results if each.holds is not True]


@pytest.mark.parametrize("name", SOLVED)
def test_a_program_does_the_task(bench: Bench, name: str) -> None:
    task, program = SOLVED[name]
    for number, values in enumerate((task.parameters, *task.variants)):
        with bench.trial(task, values, f"{task.id}-{number}", Phases()) as trial:
            trial.workspace.validate(trial.task.checks)
            require_undone(trial.workspace.check(trial.task.checks))
            answer = _do(trial, program)
            assert _failing(trial, answer) == []
            if number and task.repeatable:
                _do(trial, program)
                assert _failing(trial, answer) == []


@pytest.mark.parametrize("name", HASTY)
def test_a_hasty_program_is_caught(bench: Bench, name: str) -> None:
    task = SOLVED[name].task
    with bench.trial(task, task.parameters, f"{task.id}-hasty", Phases()) as trial:
        failing = _failing(trial, _do(trial, _hasty(name, task)))
    assert any(HASTY[name][1] in check for check in failing), failing
