"""A small campaign as an endpoint answers it: three tasks, four programs, and a way to hang at any question.

Which reply is wanted is read off the question alone, so an interrupted campaign that asks again is answered
the same. The first program for the second task knows its number of replicas by heart: its checks hold and
practice fails it. The program of the third task imports the skill that the second one left.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.openai_server import Body, Hang, Reply, Step

__all__ = ["ATTEMPTS", "SKILLS", "GatedCampaign", "Question"]

SKILLS = ("make_config_map", "run_deployment", "publish_deployment")
"""What the campaign learns, in this order."""
ATTEMPTS = (1, 2, 1)
"""Programs it takes."""

_ROLES = {"Proposal": "curriculum", "Opinion": "critic", "Description": "describer"}
"""By the name of the object that is asked for; a program is asked for as text."""
_BEGINNINGS = ("Make a ConfigMap", "Run a Deployment", "Publish a Deployment")
"""Of the goals: a question for a task holds its goal, a question for the next task the goals that were reached."""
_BY_HEART = '"replicas": 2'
"""In the program that practice fails, and so in the question for a better one."""
_WISH = re.compile(r"\(wish [0-9]+\)")
"""In what a person asks for: the proposed goal repeats it."""


@dataclass(frozen=True)
class Question:
    """One question of the campaign."""

    role: str
    task: int
    """From 1."""
    attempt: int = 1
    """From 1; told apart for the role `action` only."""


class GatedCampaign:
    """Answers for all roles; give it to `OpenAIServer.follow`."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        """All questions, in order."""
        self.hanging = threading.Event()
        """Set when the question to hang at was asked."""
        self._gate: Question | None = None
        self._before: Callable[[], None] = lambda: None

    def hang_at(self, role: str, task: int, attempt: int = 1) -> None:
        """Leave this question without an answer, until `go_on`."""
        self._gate = Question(role, task, attempt)
        self.hanging.clear()

    def go_on(self) -> None:
        """Answer everything from now on."""
        self._gate = None

    def act_before(self, role: str, task: int, act: Callable[[], None], attempt: int = 1) -> None:
        """Do something, once, just before this question is answered."""
        gate = Question(role, task, attempt)

        def once() -> None:
            if self.asked[-1] == gate:
                self._before = lambda: None
                act()

        self._before = once

    def count(self, role: str) -> Counter[Question]:
        """How often each question of a role was asked."""
        return Counter(question for question in self.asked if question.role == role)

    def __call__(self, body: Body) -> Step:
        question, prompt = _question(body)
        self.asked.append(question)
        self._before()
        if question == self._gate:
            self.hanging.set()
            return Hang()
        return Reply(_reply(question, prompt), prompt_tokens=100, reply_tokens=10)


def _question(body: Body) -> tuple[Question, str]:
    wanted = body.get("response_format", {}).get("json_schema", {}).get("name")
    role = _ROLES[wanted] if wanted else "action"
    prompt = str(body["messages"][1]["content"])
    named = [number for number, beginning in enumerate(_BEGINNINGS, start=1) if beginning in prompt]
    if role == "curriculum":
        return Question(role, len(named) + 1), prompt
    (task,) = named
    return Question(role, task, 2 if role == "action" and _BY_HEART in prompt else 1), prompt


def _reply(question: Question, prompt: str) -> str:
    match question.role:
        case "curriculum":
            return json.dumps(_proposal(question.task, prompt), indent=1)
        case "action":
            return _program(question.task, question.attempt)
        case "critic":
            return json.dumps({"reasoning": "each clause is met", "outcome": "success", "critique": ""})
    return json.dumps({"description": _DESCRIPTIONS[question.task - 1]})


def _proposal(task: int, prompt: str) -> dict[str, Any]:
    proposal, wish = _TASKS[task - 1], _WISH.search(prompt)
    return {**proposal, "goal": f"{proposal['goal']} {wish[0]}"} if wish else proposal


def _program(task: int, attempt: int) -> str:
    source = _HARD_CODED if (task, attempt) == (2, 1) else _SOURCES[task - 1]
    arguments = {name: f"{{{{ {name} }}}}" for name in ("namespace", *_TASKS[task - 1]["parameters"])}
    return f"A plan.\n```python\n{source}```\n```json\n{json.dumps(arguments)}\n```\n"


def _deployment(status: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "{{ app }}"}, **status}


_TASKS: tuple[dict[str, Any], ...] = (
    {
        "goal": "Make a ConfigMap {{ name }} whose key colour is {{ colour }}.",
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
    },
    {
        "goal": "Run a Deployment {{ app }} with {{ replicas }} replicas of nginx:1.27, all of them ready.",
        "search_terms": "create a Deployment with replicas and wait until its rollout is complete",
        "parameters": {"app": "shop", "replicas": 2},
        "variants": [{"app": "blog", "replicas": 3}],
        "checks": [{"assert": _deployment({"status": {"readyReplicas": "{{ replicas }}"}})}],
    },
    {
        "goal": "Publish a Deployment {{ app }} of one nginx:1.27 Pod by a Service {{ app }} on port {{ port }}.",
        "search_terms": "create a ClusterIP Service that selects the Pods of a Deployment",
        "parameters": {"app": "shop", "port": 8080},
        "variants": [{"app": "blog", "port": 9090}],
        "checks": [
            {
                "assert": {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": {"name": "{{ app }}"},
                    "spec": {"selector": {"app": "{{ app }}"}, "ports": [{"port": "{{ port }}"}]},
                }
            },
            {"assert": _deployment({"status": {"readyReplicas": 1}})},
        ],
    },
)

_DESCRIPTIONS = (
    "Creates or updates a ConfigMap with one key, colour, by server-side apply and returns its name.",
    "Creates a Deployment of nginx with a number of replicas and waits until its rollout is complete.",
    "Creates a Deployment and a ClusterIP Service that selects its Pods, and returns the Service's name.",
)

_CONFIG_MAP = '''\
from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest


def make_config_map(api: ApiClient, *, namespace: str, name: str, colour: str) -> str:
    """Set the one key, colour, of a ConfigMap."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"colour": colour}}
    apply_manifest(api, manifest=manifest, namespace=namespace)
    return name
'''

_DEPLOYMENT = '''\
from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest
from skills.wait_for_rollout import wait_for_rollout


def run_deployment(api: ApiClient, *, namespace: str, app: str, replicas: int) -> int:
    """Roll nginx out as a Deployment, wait until it is complete, and return its ready replicas."""
    labels = {"app": app}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": app}, "spec": spec}
    apply_manifest(api, manifest=manifest, namespace=namespace)
    return int(wait_for_rollout(api, name=app, namespace=namespace)["readyReplicas"])
'''
_HARD_CODED = _DEPLOYMENT.replace('"replicas": replicas', _BY_HEART)

_SERVICE = '''\
from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest
from skills.run_deployment import run_deployment


def publish_deployment(api: ApiClient, *, namespace: str, app: str, port: int) -> str:
    """Put a Service before a Deployment of one Pod; return the Service's name."""
    run_deployment(api, namespace=namespace, app=app, replicas=1)
    spec = {"selector": {"app": app}, "ports": [{"port": port, "targetPort": 80}]}
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": app}, "spec": spec}
    apply_manifest(api, manifest=manifest, namespace=namespace)
    return app
'''

_SOURCES = (_CONFIG_MAP, _DEPLOYMENT, _SERVICE)
