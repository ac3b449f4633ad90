"""The small types: hashes, keys, texts, configuration, data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.samples import a_skill, an_execution
from voyager_k8s.core.base import one_line
from voyager_k8s.core.config import CampaignConfig
from voyager_k8s.core.conversation import Message, ModelRequest, prompt_hash
from voyager_k8s.core.data import data_folder
from voyager_k8s.core.progress import Notice, silent
from voyager_k8s.core.skill import SkillCard
from voyager_k8s.core.world import ObjectKey

MESSAGES = st.lists(st.builds(Message, author=st.sampled_from(["system", "human", "ai"]), text=st.text()), max_size=4)


@given(one=MESSAGES, other=MESSAGES)
def test_two_prompts_have_one_hash_exactly_when_they_are_the_same(one: list[Message], other: list[Message]) -> None:
    assert (prompt_hash(one) == prompt_hash(other)) == (one == other)
    assert prompt_hash(one) == prompt_hash(tuple(one))


def test_a_prompt_hash_does_not_change_between_versions() -> None:
    assert prompt_hash([Message(author="human", text="hello")]) == "9c3878c472cbc5e8"


def test_a_request_is_named_by_role_task_and_ordinal() -> None:
    request = ModelRequest(role="critic", task="task-002", ordinal=3, messages=())

    assert request.key == ("critic", "task-002", 3)


def test_an_object_is_named_as_kubectl_does() -> None:
    assert str(ObjectKey("v1", "Pod", "shop", "web")) == "Pod/web"
    assert str(ObjectKey("v1", "Node", "", "node-0")) == "Node/node-0 (cluster)"


def test_a_skill_is_embedded_by_its_name_and_description() -> None:
    assert a_skill("scale", "Scale a Deployment.").text == "scale: Scale a Deployment."


@pytest.mark.parametrize("name", ["Scale", "_scale", "1scale", "../scale", "scale.py", ""])
def test_a_skills_name_is_a_safe_file_name(name: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        SkillCard(name=name, description="d", status="seed", sha256="0")


def test_only_a_run_that_returned_is_ok() -> None:
    endings = ("returned", "raised", "timeout", "memory", "crashed")

    assert [an_execution(ending=ending).ok for ending in endings] == [True, False, False, False, False]


def test_a_configuration_with_nothing_in_it_has_defaults() -> None:
    config = CampaignConfig.model_validate({})

    assert config.curriculum == "auto"
    assert config.cluster is None
    assert config.models.default.attempts >= 1


def test_a_misspelt_key_deep_in_a_configuration_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        CampaignConfig.model_validate({"models": {"default": {"modle": "x"}, "roles": {"cook": {}}}})

    assert "models.default.modle: unknown key" in one_line(caught.value)
    assert "models.roles.cook" in one_line(caught.value)


def test_the_data_that_travels_with_the_package_is_found() -> None:
    assert (data_folder("skills") / "apply_manifest.py").is_file()


def test_missing_data_says_what_is_missing() -> None:
    with pytest.raises(FileNotFoundError, match=r"no-such-data/ is missing from this installation"):
        data_folder("no-such-data")


def test_a_silent_listener_takes_any_notice() -> None:
    silent(Notice(kind="task", text="a task", done=1, total=2))
