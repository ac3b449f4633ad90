"""The action agent: a program out of a reply, and all that the model has to know for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.samples import (
    CONFIG_MAP,
    SOURCE,
    a_bound_task,
    a_program,
    a_skill,
    a_snapshot,
    an_execution,
    created,
    event,
)
from voyager_k8s.agents.action import ActionAgent, Situation, Tried
from voyager_k8s.core.errors import ModelError, ReplyError
from voyager_k8s.core.program import Program
from voyager_k8s.core.skill import Skill
from voyager_k8s.models.scripted import ScriptedModel

ARGUMENTS = {"namespace": "{{ namespace }}", "name": "{{ name }}", "data": {"colour": "{{ colour }}"}}


def reply(source: str = SOURCE, arguments: object = ARGUMENTS) -> str:
    return f"I make it.\n```python\n{source}```\n```json\n{json.dumps(arguments)}\n```\n"


def situation(**fields: Any) -> Situation:
    return Situation.model_validate({"snapshot": a_snapshot(CONFIG_MAP), **fields})


def write(*replies: str, where: Situation | None = None) -> tuple[Program, ScriptedModel]:
    model = ScriptedModel({"action": replies})
    program = ActionAgent(model, max_replies=3, seconds=90).write_program(a_bound_task(), where or situation())
    return program, model


def prompts(where: Situation) -> tuple[str, str]:
    _, model = write(reply(), where=where)
    system, human = model.requests[0].messages
    return system.text, human.text


def test_a_program_keeps_its_templates() -> None:
    program, model = write(reply())

    assert program == a_program()
    assert [(request.role, request.task, request.reply_schema) for request in model.requests] == [
        ("action", "task-001", None)
    ]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("I cannot.", "the reply lacks a ```python block"),
        (reply("import os\n" + SOURCE), "os may not be imported"),
        (reply(arguments={**ARGUMENTS, "name": "{{ nmae }}"}), "'nmae' is undefined; the parameters are colour, name"),
        (reply(SOURCE.replace("make_config_map", "scale")), "a skill named scale exists already"),
    ],
)
def test_an_unusable_reply_is_sent_back(bad: str, said: str) -> None:
    program, model = write(bad, reply(), where=situation(names=frozenset({"scale"})))

    assert program.name == "make_config_map"
    assert len(model.requests) == 2
    assert model.requests[1].messages[2].text == bad
    assert said in model.requests[1].messages[3].text


def test_only_skills_of_the_library_may_be_imported() -> None:
    source = "from skills.scale import scale\n" + SOURCE

    program, _ = write(reply(source), where=situation(names=frozenset({"scale"})))

    assert program.source == source
    with pytest.raises(ReplyError, match="there is no skill 'scale'"):
        write(*[reply(source)] * 3)


def test_it_gives_up_after_so_many_replies() -> None:
    model = ScriptedModel({"action": ["no"] * 9})

    with pytest.raises(ReplyError, match="lacks a ```python block"):
        ActionAgent(model, max_replies=3, seconds=90).write_program(a_bound_task(), situation())

    assert len(model.requests) == 3


def test_a_model_that_is_down_is_the_worlds_failure() -> None:
    with pytest.raises(ModelError):
        write()


def test_the_first_prompt_shows_the_task_and_the_world() -> None:
    system, human = prompts(situation())

    assert "key colour set to blue" in human
    assert '- namespace = "task-001-1"' in human
    assert "- ConfigMap/settings" in human
    assert "90 seconds in all" in system
    for section in ("Learned skills", "Lessons", "Your last attempt"):
        assert section not in human
    assert "This cluster" not in system


def test_parameters_are_shown_as_they_are() -> None:
    values = {"text": "it's <b> & 'é'", "list": [1, None], "items": 2, "namespace": "ns"}
    model = ScriptedModel({"action": [reply(arguments={**ARGUMENTS, "name": "a", "data": {}})]})
    ActionAgent(model, max_replies=1, seconds=90).write_program(a_bound_task(values=values), situation())

    human = model.requests[0].messages[1].text
    for line in ("- text = \"it's <b> & 'é'\"", "- list = [1, null]", "- items = 2", '- namespace = "ns"'):
        assert line in human


def test_primitives_are_listed_by_signature_and_skills_by_source() -> None:
    primitive = a_skill("apply_manifest", "Apply one manifest.", status="seed")
    learned = a_skill("scale", "Scale a Deployment.")

    system, human = prompts(situation(primitives=(primitive,), skills=(learned,), notes=" No network. \n"))

    assert "apply_manifest(api, *, namespace: str) -> str\n    Apply one manifest." in system
    assert "return namespace" not in system
    assert "## This cluster\nNo network.\n" in system
    assert f"# skills/scale.py\n{learned.source}```" in human


def test_of_farther_skills_only_signature_and_description_are_shown() -> None:
    names = ("one", "two", "three")

    _, human = prompts(situation(skills=tuple(a_skill(name, f"Describes {name}.") for name in names)))

    assert human.count("return namespace") == 2
    assert "three(api, *, namespace: str) -> str\n    Describes three." in human


def test_a_source_beyond_the_budget_gives_way_to_its_signature() -> None:
    def long(name: str) -> Skill:
        source = f'def {name}(api) -> int:\n    """Do."""\n' + "    x = 1\n" * 500 + "    return 1\n"
        return a_skill(name, "Do.", source=source)

    _, human = prompts(situation(skills=(long("one"), long("two"), long("three"))))

    assert "def one" in human
    assert "def two" not in human
    for name in ("two", "three"):
        assert f"{name}(api) -> int\n    Do." in human


def test_the_next_prompt_shows_the_last_attempt_and_its_critique() -> None:
    tried = Tried(
        program=a_program(),
        execution=an_execution(ending="raised", error="ApiException: 409"),
        changes=(created(CONFIG_MAP),),
        events=(event(),),
        critique="Use server-side apply.",
    )

    _, human = prompts(situation(tried=tried, lessons=("(a ConfigMap) Quote numbers.",)))

    for part in (SOURCE, json.dumps(ARGUMENTS), "ApiException: 409", "+ ConfigMap/settings", "BackOff"):
        assert part in human
    assert "Why it is not accepted:\nUse server-side apply." in human
    assert "- (a ConfigMap) Quote numbers." in human


def test_the_same_world_gives_the_same_prompt() -> None:
    assert prompts(situation(notes="x")) == prompts(situation(notes="x"))
