"""The skill manager: what was learned is described, kept, and found again."""

from __future__ import annotations

import pytest

from tests.support.fakes import MemoryIndex, MemoryStore
from tests.support.samples import SOURCE, a_bound_task, a_program, a_skill, a_task
from voyager_k8s.agents.skill import SkillManager
from voyager_k8s.core.errors import ModelError
from voyager_k8s.core.skill import Parameter, Provenance, Skill, Verification
from voyager_k8s.core.source import digest
from voyager_k8s.models.scripted import ScriptedModel

SEED = a_skill("apply_manifest", "Create a ConfigMap with data or any object.", status="seed")
CONFIG = a_skill("fill_config", "Create a ConfigMap with data.")
SECRET = a_skill("fill_secret", "Create a Secret with data.")
SCALE = a_skill("scale", "Set the replicas of a Deployment.")
DESCRIBED = '{"description": "Creates a  ConfigMap\\n with data."}'


def manager(*skills: Skill, replies: tuple[str, ...] = (), retrieve: int = 2) -> SkillManager:
    model = ScriptedModel({"describer": replies})
    return SkillManager(MemoryStore(*skills), MemoryIndex(), model, retrieve=retrieve, max_replies=2)


def names(skills: tuple[Skill, ...]) -> list[str]:
    return [skill.name for skill in skills]


def keep(skills: SkillManager, verification: Verification | None = None) -> Skill:
    return skills.add_new_skill(
        a_program(), a_task(), Provenance(task="task-001", attempts=2), verification or Verification()
    )


def test_seeds_and_learned_skills_are_told_apart() -> None:
    skills = manager(SEED, CONFIG, SCALE)

    assert names(skills.primitives()) == ["apply_manifest"]
    assert names(skills.learned()) == ["fill_config", "scale"]


def test_the_index_is_brought_in_line_when_the_manager_opens() -> None:
    store, index = MemoryStore(CONFIG), MemoryIndex()
    index.sync({"gone": "a skill that was deleted"})

    skills = SkillManager(store, index, ScriptedModel({}), retrieve=2, max_replies=1)

    assert [hit.name for hit in index.query("a skill", 9)] == ["fill_config"]
    assert skills.refresh() == 0
    store.put(SCALE)
    assert skills.refresh() == 1


def test_the_nearest_learned_skills_are_retrieved_and_no_seeds() -> None:
    skills = manager(SEED, CONFIG, SECRET, SCALE)

    assert names(skills.retrieve(a_bound_task())) == ["fill_config", "fill_secret"]


def test_a_critique_brings_in_what_it_asks_for_in_place_of_the_last() -> None:
    skills = manager(SEED, CONFIG, SECRET, SCALE)

    assert names(skills.retrieve(a_bound_task(), "set the replicas")) == ["fill_config", "scale"]
    assert names(skills.retrieve(a_bound_task(), "create a ConfigMap")) == ["fill_config", "fill_secret"]


def test_a_critique_adds_where_there_is_room() -> None:
    skills = manager(CONFIG, SCALE, retrieve=5)

    assert names(skills.retrieve(a_bound_task(), "set the replicas")) == ["fill_config", "scale"]


@pytest.mark.parametrize("critique", ["", "set the replicas"])
def test_nothing_is_retrieved_where_nothing_is_wanted_or_there(critique: str) -> None:
    assert manager(CONFIG, retrieve=0).retrieve(a_bound_task(), critique) == ()
    assert manager(SEED).retrieve(a_bound_task(), critique) == ()


def test_a_search_finds_seeds_too_with_their_distances() -> None:
    found = manager(SEED, CONFIG, SCALE).search("create a ConfigMap with data", 2)

    assert [skill.name for skill, _ in found] == ["fill_config", "apply_manifest"]
    assert 0 <= found[0][1] <= found[1][1] <= 2


def test_a_new_skill_is_described_kept_and_found() -> None:
    skills = manager(SEED, replies=(DESCRIBED,))

    skill = keep(skills)

    assert skill.card.description == "Creates a ConfigMap with data."
    assert skill.source == SOURCE
    assert skill.card.sha256 == digest(SOURCE)
    assert [parameter.name for parameter in skill.card.parameters] == ["namespace", "name", "data"]
    assert skill.card.parameters[2] == Parameter(name="data", type="dict[str, str]")
    assert skill.card.returns == "str"
    assert skill.card.provenance.attempts == 2
    assert skills.store.get("make_config_map") == skill
    assert names(skills.retrieve(a_bound_task())) == ["make_config_map"]


def test_a_skill_is_verified_only_when_practice_showed_something() -> None:
    assert keep(manager(replies=(DESCRIBED,))).card.status == "candidate"
    assert keep(manager(replies=(DESCRIBED,)), Verification(practised=("general",))).card.status == "verified"


def test_the_skills_that_a_program_imports_are_on_its_card() -> None:
    program = a_program(source="from skills.scale import scale\n" + SOURCE)

    skill = manager(replies=(DESCRIBED,)).add_new_skill(program, a_task(), Provenance(), Verification())

    assert skill.card.imports == ("scale",)


@pytest.mark.parametrize("replies", [("no", "no"), ('{"description": "short"}', '{"text": "x"}')])
def test_a_describer_that_cannot_be_read_costs_no_skill(replies: tuple[str, ...]) -> None:
    assert keep(manager(replies=replies)).card.description == (
        "Make a ConfigMap, or bring its data in line; return its name."
    )


def test_a_describer_that_is_down_is_the_worlds_failure_and_nothing_is_kept() -> None:
    skills = manager()

    with pytest.raises(ModelError):
        keep(skills)

    assert skills.store.names() == ()


def test_the_describer_sees_the_source_and_the_goal() -> None:
    model = ScriptedModel({"describer": [DESCRIBED]})
    keep(SkillManager(MemoryStore(), MemoryIndex(), model, retrieve=1, max_replies=1))

    human = model.requests[0].messages[1].text
    assert SOURCE in human
    assert a_task().goal in human
