from __future__ import annotations

import pytest

from voyager_k8s.core.conversation import Message, ModelRequest, Role
from voyager_k8s.core.errors import ModelError
from voyager_k8s.core.progress import Notice
from voyager_k8s.models.combine import FallbackModel, RoleModels
from voyager_k8s.models.scripted import ScriptedModel


def request(role: Role = "action") -> ModelRequest:
    return ModelRequest(role=role, task="task-001", ordinal=1, messages=(Message(author="human", text="go"),))


def test_the_fallback_is_asked_only_after_a_failure() -> None:
    first, second = ScriptedModel({"action": ["first"]}), ScriptedModel({"action": ["second"]})
    notices: list[Notice] = []
    model = FallbackModel(first, second, notices.append)

    assert model.complete(request()).text == "first"
    assert (second.requests, notices) == ([], [])
    assert model.complete(request()).text == "second"
    assert "the fallback is asked" in notices[0].text


def test_when_both_fail_both_are_said() -> None:
    model = FallbackModel(ScriptedModel({}), ScriptedModel({"critic": []}))

    with pytest.raises(ModelError, match=r"for action.*; and the fallback: .*for action"):
        model.complete(request())


def test_each_role_has_its_model() -> None:
    default, critic = ScriptedModel(lambda asked: "default"), ScriptedModel(lambda asked: "critic")
    model = RoleModels(default, {"critic": critic})

    roles: tuple[Role, ...] = ("curriculum", "action", "critic", "describer")
    assert [model.complete(request(role)).text for role in roles] == ["default", "default", "critic", "default"]
    assert [asked.role for asked in critic.requests] == ["critic"]


def test_a_script_says_what_it_lacks() -> None:
    model = ScriptedModel({"action": ["only one"]})
    model.complete(request())

    with pytest.raises(ModelError, match=r"no reply number 2 for action \(at task-001\)"):
        model.complete(request())
