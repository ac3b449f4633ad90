"""Small, plausible domain objects for tests; every argument replaces one field."""

from __future__ import annotations

from typing import Any

from voyager_k8s.core.program import Execution, Program
from voyager_k8s.core.skill import Provenance, Skill, SkillCard, Status
from voyager_k8s.core.source import digest, docstring, signature, skill_imports
from voyager_k8s.core.task import BoundTask, Task
from voyager_k8s.core.verdict import CheckResult, Outcome, Verdict
from voyager_k8s.core.world import Change, ClusterFacts, Event, FieldChange, ObjectKey, Snapshot
from voyager_k8s.learning.record import Attempt

__all__ = [
    "CHECKS",
    "CONFIG_MAP",
    "FACTS",
    "SOURCE",
    "a_bound_task",
    "a_program",
    "a_skill",
    "a_snapshot",
    "a_task",
    "an_attempt",
    "an_execution",
    "created",
    "event",
    "modified",
]

CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "labels": {"app": "shop"}},
    "data": {"colour": "blue"},
}

SOURCE = '''\
from kubernetes import client


def make_config_map(api, *, namespace: str, name: str, data: dict[str, str]) -> str:
    """Make a ConfigMap, or bring its data in line; return its name."""
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)
    client.CoreV1Api(api).create_namespaced_config_map(namespace, body)
    return name
'''

CHECKS = (
    CheckResult(text="assert ConfigMap/settings data.colour=blue", holds=False, detail="no such object"),
    CheckResult(text="assert Deployment/web readyReplicas=2", holds=True, invariant=True),
    CheckResult(text="expression pods.size() == 2", holds=None, detail="no such key: pods"),
)

FACTS = ClusterFacts(
    version="v1.36.1",
    nodes=("node-0", "node-1"),
    kinds=("ConfigMap (v1)", "Deployment (apps/v1)"),
    notes="Nodes are simulated.",
)


def a_task(**fields: Any) -> Task:
    """A ConfigMap with one key."""
    data: dict[str, Any] = {
        "id": "task-001",
        "goal": "Make a ConfigMap named {{ name }} with the key colour set to {{ colour }}.",
        "search_terms": "create a ConfigMap with data",
        "parameters": {"name": "settings", "colour": "blue"},
        "variants": [{"name": "options", "colour": "red"}],
        "checks": [
            {
                "assert": {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": "{{ name }}"},
                    "data": {"colour": "{{ colour }}"},
                }
            }
        ],
    }
    return Task.model_validate({**data, **fields})


def a_bound_task(**fields: Any) -> BoundTask:
    """That task with its first values."""
    data: dict[str, Any] = {
        "id": "task-001",
        "goal": "Make a ConfigMap named settings with the key colour set to blue.",
        "search_terms": "create a ConfigMap with data",
        "values": {"name": "settings", "colour": "blue", "namespace": "task-001-1"},
        "setup": [],
        "checks": [{"assert": CONFIG_MAP}],
    }
    return BoundTask.model_validate({**data, **fields})


def a_program(**fields: Any) -> Program:
    """A program for it."""
    arguments = {"namespace": "{{ namespace }}", "name": "{{ name }}", "data": {"colour": "{{ colour }}"}}
    return Program.model_validate({"name": "make_config_map", "source": SOURCE, "arguments": arguments, **fields})


def an_execution(**fields: Any) -> Execution:
    """One that returned."""
    return Execution.model_validate({"ending": "returned", "result": "settings", "seconds": 0.5, **fields})


def an_attempt(number: int = 1, *, outcome: Outcome = Outcome.SUCCESS, critique: str = "", **fields: Any) -> Attempt:
    """A finished attempt."""
    data: dict[str, Any] = {
        "number": number,
        "program": a_program(),
        "execution": an_execution(),
        "verdict": Verdict(outcome=outcome, critique=critique, reasoning="as asked", checks=CHECKS),
        "changes": (created(CONFIG_MAP), modified("spec.replicas", 1, 2)),
        "events": (event(),),
        "seconds": 2.0,
        "phases": {"model": 1.0, "run": 0.5, "settle": 0.25, "workspace": 0.125},
    }
    return Attempt.model_validate({**data, **fields})


def a_skill(name: str, description: str, *, status: Status = "candidate", source: str = "", attempts: int = 1) -> Skill:
    """A skill whose card fits its source."""
    source = source or f'def {name}(api, *, namespace: str) -> str:\n    """{description}"""\n    return namespace\n'
    parameters, returns = signature(source, name)
    card = SkillCard(
        name=name,
        description=description or docstring(source, name),
        parameters=parameters,
        returns=returns,
        status=status,
        imports=skill_imports(source),
        provenance=Provenance(attempts=attempts),
        sha256=digest(source),
    )
    return Skill(card=card, source=source)


def a_snapshot(*manifests: dict[str, Any], namespace: str = "task-001-1") -> Snapshot:
    """A workspace with these objects in it."""
    keys = (ObjectKey(m["apiVersion"], m["kind"], namespace, m["metadata"]["name"]) for m in manifests)
    return Snapshot(objects=dict(zip(keys, manifests, strict=True)))


def created(manifest: dict[str, Any]) -> Change:
    """An object that is new."""
    key = ObjectKey(manifest["apiVersion"], manifest["kind"], "task-001-1", manifest["metadata"]["name"])
    return Change(action="created", key=key, manifest=manifest)


def modified(path: str, before: Any, after: Any) -> Change:
    """A Deployment with one field changed."""
    key = ObjectKey("apps/v1", "Deployment", "task-001-1", "web")
    return Change(action="modified", key=key, fields=(FieldChange(path=path, before=before, after=after),))


def event(**fields: Any) -> Event:
    """A warning."""
    data = {"type": "Warning", "reason": "BackOff", "object": "Pod/web-0", "message": "Back-off restarting"}
    return Event.model_validate({**data, **fields})
