"""The critic: two judges must agree, and one that cannot tell is never a failure."""

from __future__ import annotations

import json
from itertools import product

import pytest

from tests.support.samples import CONFIG_MAP, a_bound_task, a_snapshot, an_execution, created, event
from voyager_k8s.agents.critic import CriticAgent, Evidence, combine
from voyager_k8s.core.errors import ModelError
from voyager_k8s.core.verdict import CheckResult, Outcome, Verdict
from voyager_k8s.core.world import Settled
from voyager_k8s.models.scripted import ScriptedModel

SUCCESS, FAILURE, UNKNOWN = Outcome.SUCCESS, Outcome.FAILURE, Outcome.UNKNOWN


def check(holds: bool | None, text: str = "assert Pod/a", detail: str = "") -> CheckResult:
    return CheckResult(text=text, holds=holds, detail=detail)


def evidence(*holds: bool | None, **fields: object) -> Evidence:
    data = {
        "execution": an_execution(),
        "checks": tuple(check(one, f"check {number}", "found another") for number, one in enumerate(holds, 1)),
        "changes": (created(CONFIG_MAP),),
        "before": a_snapshot(),
        "events": (event(),),
        "settled": Settled(calm=True, seconds=0.5),
    }
    return Evidence.model_validate({**data, **fields})


def opinion(outcome: str, critique: str = "") -> str:
    return json.dumps({"reasoning": "clause by clause", "outcome": outcome, "critique": critique})


def judge(model: ScriptedModel, seen: Evidence) -> Verdict:
    return CriticAgent(model, max_replies=2).check_task_success(a_bound_task(), seen)


# -- the truth table ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holds", "said", "outcome"),
    [
        ([True], SUCCESS, SUCCESS),
        ([True], FAILURE, FAILURE),
        ([True], UNKNOWN, UNKNOWN),
        ([False], SUCCESS, FAILURE),
        ([False], FAILURE, FAILURE),
        ([False], UNKNOWN, FAILURE),
        ([None], SUCCESS, UNKNOWN),
        ([None], FAILURE, FAILURE),
        ([None], UNKNOWN, UNKNOWN),
        ([True, True], SUCCESS, SUCCESS),
        ([True, False], SUCCESS, FAILURE),
        ([True, None], SUCCESS, UNKNOWN),
        ([None, False], SUCCESS, FAILURE),
        ([None, False], UNKNOWN, FAILURE),
    ],
)
def test_two_judges(holds: list[bool | None], said: Outcome, outcome: Outcome) -> None:
    checks = [check(one) for one in holds]

    assert combine(checks, said) is outcome
    assert combine(checks[::-1], said) is outcome


def test_success_takes_both_and_failure_takes_one() -> None:
    for first, second, said in product([True, False, None], [True, False, None], Outcome):
        outcome = combine([check(first), check(second)], said)

        assert (outcome is SUCCESS) == (first is True and second is True and said is SUCCESS)
        assert (outcome is FAILURE) == (first is False or second is False or said is FAILURE)


# -- what is asked ---------------------------------------------------------------------


def test_success_needs_no_critique() -> None:
    model = ScriptedModel({"critic": [opinion("success", "well done")]})

    verdict = judge(model, evidence(True))

    assert (verdict.outcome, verdict.critique, verdict.reasoning) == (SUCCESS, "", "clause by clause")
    assert verdict.checks == evidence(True).checks


def test_a_failing_check_is_named_in_the_critique_even_when_the_model_is_content() -> None:
    verdict = judge(ScriptedModel({"critic": [opinion("success")]}), evidence(True, False))

    assert verdict.outcome is FAILURE
    assert verdict.critique == "Checks that do not hold:\n- FAILS: check 2 -- found another"


def test_the_models_critique_comes_before_the_checks() -> None:
    verdict = judge(ScriptedModel({"critic": [opinion("failure", " Use the ServiceAccount. ")]}), evidence(False, True))

    assert verdict.critique == "Use the ServiceAccount.\nChecks that do not hold:\n- FAILS: check 1 -- found another"


def test_a_failure_without_a_word_says_that_the_goal_is_not_reached() -> None:
    assert judge(ScriptedModel({"critic": [opinion("failure")]}), evidence(True)).critique == "The goal is not reached."


@pytest.mark.parametrize("ending", ["raised", "timeout", "memory", "crashed"])
def test_a_program_that_did_not_return_is_judged_without_a_question(ending: str) -> None:
    model = ScriptedModel({"critic": [opinion("success")]})

    verdict = judge(model, evidence(True, False, execution=an_execution(ending=ending, error="ApiException: 404")))

    assert model.requests == []
    assert verdict.outcome is FAILURE
    assert "The program did not finish." in verdict.critique
    assert "ApiException: 404" in verdict.critique
    assert "- FAILS: check 2" in verdict.critique
    assert "check 1" not in verdict.critique


def test_a_critic_that_cannot_be_read_makes_it_unknown_and_not_a_failure() -> None:
    model = ScriptedModel({"critic": ["well", '{"outcome": "perhaps"}']})

    verdict = judge(model, evidence(True))

    assert len(model.requests) == 2
    assert verdict.outcome is UNKNOWN
    assert "could not be read" in verdict.reasoning
    assert "not reached" not in verdict.critique
    assert verdict.critique


def test_a_failing_check_decides_even_when_the_critic_cannot_be_read() -> None:
    assert judge(ScriptedModel({"critic": ["well", "well"]}), evidence(False)).outcome is FAILURE


def test_a_check_that_could_not_be_evaluated_is_not_said_to_fail() -> None:
    verdict = judge(ScriptedModel({"critic": [opinion("success")]}), evidence(True, None))

    assert verdict.outcome is UNKNOWN
    assert "- unknown: check 2 -- found another" in verdict.critique
    assert "do not hold" not in verdict.critique


def test_a_model_that_is_down_is_the_worlds_failure() -> None:
    with pytest.raises(ModelError):
        judge(ScriptedModel({"critic": []}), evidence(True))


def test_the_question_shows_the_world_and_not_the_program() -> None:
    model = ScriptedModel({"critic": [opinion("success")]})
    judge(model, evidence(True, settled=Settled(calm=False, seconds=20)))

    (request,) = model.requests
    human = request.messages[1].text
    assert (request.role, request.task) == ("critic", "task-001")
    assert request.reply_schema is not None
    for shown in (
        "key colour set to blue",
        "check 1",
        "+ ConfigMap/settings",
        "BackOff",
        '"settings"',
        "still changing",
    ):
        assert shown in human
    assert "def make_config_map" not in human


def test_a_world_at_rest_is_not_said_to_be_changing() -> None:
    model = ScriptedModel({"critic": [opinion("success")]})
    judge(model, evidence(True))

    assert "still changing" not in model.requests[0].messages[1].text
