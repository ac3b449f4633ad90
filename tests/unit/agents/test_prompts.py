"""Every prompt, as the model gets it, against the text it had when it was last looked at.

A prompt that was changed on purpose: `RENEW_SNAPSHOTS=1 pytest tests/unit/agents/test_prompts.py` writes the new
texts to `snapshots/`, and `git diff` shows what the models will read from now on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2
import pytest
import yaml

import voyager_k8s.agents
from tests.support.fakes import MemoryIndex, MemoryStore
from tests.support.samples import (
    CHECKS,
    CONFIG_MAP,
    FACTS,
    a_bound_task,
    a_program,
    a_skill,
    a_snapshot,
    a_task,
    an_execution,
    created,
    event,
    modified,
)
from voyager_k8s.agents.action import ActionAgent, Situation, Tried
from voyager_k8s.agents.contract import ALLOWED_MODULES
from voyager_k8s.agents.critic import CriticAgent, Evidence
from voyager_k8s.agents.curriculum import CurriculumAgent, Wanted
from voyager_k8s.agents.skill import SkillManager
from voyager_k8s.agents.templating import render_prompt
from voyager_k8s.core.data import data_folder
from voyager_k8s.core.errors import ModelError
from voyager_k8s.core.progress import Completed, Failed, Progress
from voyager_k8s.core.skill import Provenance, Skill, Verification
from voyager_k8s.core.source import summary
from voyager_k8s.core.verdict import CheckResult
from voyager_k8s.core.world import Settled
from voyager_k8s.models.scripted import ScriptedModel

SNAPSHOTS = Path(__file__).parent / "snapshots"
PROMPTS = Path(voyager_k8s.agents.__file__).parent / "prompts"
ENVIRONMENT = data_folder("environments") / "embedded" / "cluster.yaml"
WHEN = "2031-02-03T04:05:06+00:00"


def seed() -> Skill:
    return a_skill("apply_manifest", "Create or update one object of any kind.", status="seed")


def learned() -> Skill:
    skill = a_skill("scale_workload", "Set the replicas of a Deployment.")
    return skill.model_copy(
        update={"card": skill.card.model_copy(update={"provenance": Provenance(created=WHEN, campaign="c-9")})}
    )


def tried() -> Tried:
    execution = an_execution(ending="raised", error="ApiException: (409) Conflict", output="trying\n", seconds=12.345)
    critique = "Use server-side apply.\nChecks that do not hold:\n- FAILS: assert ConfigMap/settings -- no such object"
    changes = (created(CONFIG_MAP), modified("spec.replicas", 1, 2))
    return Tried(program=a_program(), execution=execution, changes=changes, events=(event(count=3),), critique=critique)


def first_question(model: ScriptedModel) -> tuple[str, str]:
    system, human = model.requests[0].messages
    return system.text, human.text


def action(situation: Situation) -> tuple[str, str]:
    model = ScriptedModel({})
    with pytest.raises(ModelError):
        ActionAgent(model, max_replies=1, seconds=90).write_program(a_bound_task(), situation)
    return first_question(model)


def critic(*, calm: bool, checks: tuple[CheckResult, ...]) -> tuple[str, str]:
    model = ScriptedModel({})
    evidence = Evidence(
        execution=an_execution(output="made settings\n", seconds=12.345),
        before=a_snapshot(),
        checks=checks,
        changes=(created(CONFIG_MAP), modified("spec.replicas", 1, 2)),
        events=(event(), event(type="Normal", reason="Pulled", message="Pulled the image")),
        settled=Settled(calm=calm, seconds=12.345),
    )
    with pytest.raises(ModelError):
        CriticAgent(model, max_replies=1).check_task_success(a_bound_task(), evidence)
    return first_question(model)


def curriculum(progress: Progress, *, rejected: tuple[str, ...] = (), wish: str = "") -> tuple[str, str]:
    model = ScriptedModel({})
    wanted = Wanted(task_id="task-003", round=3, progress=progress, facts=FACTS, rejected=rejected)
    with pytest.raises(ModelError):
        CurriculumAgent(model, max_replies=1).propose_next_task(wanted, wish)
    return first_question(model)


def describer() -> tuple[str, str]:
    model = ScriptedModel({})
    skills = SkillManager(MemoryStore(), MemoryIndex(), model, retrieve=1, max_replies=1)
    with pytest.raises(ModelError):
        skills.add_new_skill(a_program(), a_task(), Provenance(created=WHEN), Verification())
    return first_question(model)


@cache
def prompts() -> Mapping[str, str]:
    """Each message of each agent, by the name of its snapshot; a template's name comes first."""
    fresh = Situation(snapshot=a_snapshot(), primitives=(seed(),))
    again = Situation(
        snapshot=a_snapshot(CONFIG_MAP),
        primitives=(seed(),),
        skills=(learned(),),
        lessons=("(create a ConfigMap with data) Quote numbers.",),
        tried=tried(),
        notes="Nodes are simulated.",
    )
    progress = Progress(
        completed=(
            Completed(goal="Make a ConfigMap named {{ name }}.", skill="make_config_map", attempts=1),
            Completed(goal="Scale {{ app }} to {{ count }}.", skill="scale_workload", attempts=2),
        ),
        failed=(Failed(goal="Mend the probe of {{ app }}.", reason="The Deployment never became available."),),
        skills=("make_config_map: Makes a ConfigMap.", "scale_workload: Scales a Deployment."),
    )
    names = (
        *(("action_system", "action_human"), ("action_system-with_notes", "action_human-again")),
        *(("critic_system", "critic_human"), ("", "critic_human-still_changing")),
        *(("curriculum_system", "curriculum_human"), ("", "curriculum_human-sent_back"), ("", "curriculum_human-wish")),
        ("describer_system", "describer_human"),
    )
    pairs = (
        *(action(fresh), action(again)),
        *(critic(calm=True, checks=CHECKS), critic(calm=False, checks=())),
        *(curriculum(Progress()), curriculum(progress, rejected=("a check holds already: assert Pod/web",))),
        curriculum(progress, wish="restart a Deployment without an outage"),
        describer(),
    )
    named = (pair for both in zip(names, pairs, strict=True) for pair in zip(*both, strict=True))
    return {name: text for name, text in named if name}


NAMES = (
    *("action_system", "action_human", "action_system-with_notes", "action_human-again"),
    *("critic_system", "critic_human", "critic_human-still_changing"),
    *("curriculum_system", "curriculum_human", "curriculum_human-sent_back", "curriculum_human-wish"),
    *("describer_system", "describer_human"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_is_as_it_was(name: str) -> None:
    snapshot = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("RENEW_SNAPSHOTS"):
        snapshot.write_text(prompts()[name], "utf-8")

    assert prompts()[name] == snapshot.read_text("utf-8"), (
        "the prompt differs from its snapshot; if it is meant to, renew them: see the top of this file"
    )


def test_there_is_a_snapshot_of_every_template_and_none_too_many() -> None:
    assert {name.partition("-")[0] for name in NAMES} == {path.stem for path in PROMPTS.glob("*.j2")}
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(NAMES)


def test_the_same_system_prompt_goes_with_every_question_of_a_role() -> None:
    """So that a provider's prompt cache holds for a whole campaign."""
    texts = prompts()

    assert texts["critic_system"] == critic(calm=False, checks=())[0]
    assert texts["curriculum_system"] == curriculum(Progress(), wish="x")[0]


@pytest.mark.parametrize("template", sorted(path.stem for path in PROMPTS.glob("*_human.j2")))
def test_a_variable_that_is_not_given_is_an_error(template: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        render_prompt(template)


@pytest.mark.parametrize("name", NAMES)
def test_no_prompt_has_a_time_an_id_or_a_leftover_of_a_template(name: str) -> None:
    text = prompts()[name]

    assert WHEN[:10] not in text
    assert "12.345" not in text
    assert "c-9" not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-", text)
    assert not re.search(r"\{%|%\}|\{#|\bUndefined\b|<[a-z_.]+ object at", text)
    assert text == text.strip() + "\n"


# -- sizes: what a prompt says is paid for at every attempt -----------------------------------


def real_action_system() -> str:
    folder = data_folder("skills")
    notes = yaml.safe_load(ENVIRONMENT.read_text("utf-8"))["notes"]
    primitives = [summary(path.read_text("utf-8"), path.stem) for path in sorted(folder.glob("*.py"))]
    assert primitives
    return render_prompt(
        "action_system", primitives=primitives, modules=sorted(ALLOWED_MODULES), notes=notes, seconds="90"
    )


def test_the_system_prompts_keep_to_their_sizes() -> None:
    sizes = {
        "action": len(real_action_system()),
        **{role: len(render_prompt(f"{role}_system")) for role in ("critic", "curriculum", "describer")},
    }
    limits = {"action": 10_500, "critic": 3_000, "curriculum": 5_500, "describer": 800}

    assert {role: size for role, size in sizes.items() if size > limits[role]} == {}


# -- what the prompts promise ------------------------------------------------------------------


def test_the_example_of_the_curriculum_prompt_is_a_task_that_would_be_accepted() -> None:
    (example,) = (line for line in prompts()["curriculum_system"].splitlines() if line.startswith('{"reasoning"'))
    model = ScriptedModel({"curriculum": [example]})
    wanted = Wanted(task_id="task-001", round=1, progress=Progress(), facts=FACTS)

    task = CurriculumAgent(model, max_replies=1).propose_next_task(wanted)

    assert len(task.checks) == 3


@pytest.mark.parametrize("outcome", ["success", "failure", "unknown"])
def test_the_outcomes_that_the_critic_is_offered_are_understood(outcome: str) -> None:
    assert f'"{outcome}"' in prompts()["critic_system"]
    model = ScriptedModel({"critic": [f'{{"reasoning": "r", "outcome": "{outcome}", "critique": ""}}']})
    evidence = Evidence(
        execution=an_execution(),
        before=a_snapshot(),
        checks=(),
        changes=(),
        events=(),
        settled=Settled(calm=True, seconds=0),
    )

    assert CriticAgent(model, max_replies=1).check_task_success(a_bound_task(), evidence).outcome == outcome


def test_every_module_that_may_be_imported_is_named_to_the_action_agent() -> None:
    assert all(re.search(rf"\b{re.escape(module)}\b", prompts()["action_system"]) for module in ALLOWED_MODULES)
