"""What a task must be before anything looks at a cluster, and that it survives being written down."""

from __future__ import annotations

import string
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.samples import a_task
from voyager_k8s.core.base import one_line
from voyager_k8s.core.task import AbsentCheck, AnswerCheck, AssertCheck, CanCheck, ExpressionCheck, Reference, Task

POD = {"apiVersion": "v1", "kind": "Pod"}


def refused(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        a_task(**fields)
    return one_line(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"parameters": {"namespace": "x"}}, "`namespace` is given by the workspace"),
        ({"variants": []}, "variants: Tuple should have at least 1 item"),
        ({"variants": [{"name": "b"}]}, "set 1 has the names ['name'], parameters has ['colour', 'name']"),
        ({"variants": [{"name": "b", "colour": "c", "d": 1}]}, "set 1 has the names ['colour', 'd', 'name']"),
        ({"variants": [{"name": "settings", "colour": "blue"}]}, "set 1 has the same values as parameters"),
        (
            {"variants": [{"name": "b", "colour": "c"}, {"name": "settings", "colour": "blue"}]},
            "set 2 has the same values as parameters",
        ),
        ({"checks": []}, "checks: Tuple should have at least 1 item"),
        ({"checks": [{"absent": POD, "invariant": True}]}, "at least one must not be an invariant"),
        ({"goal": ""}, "goal: String should have at least 1 character"),
        ({"search_terms": ""}, "search_terms: String should have at least 1 character"),
        ({"gaol": "Make a Pod"}, "gaol: unknown key"),
    ],
)
def test_a_task_that_proves_nothing_is_refused_in_one_line(fields: dict[str, Any], said: str) -> None:
    assert said in refused(**fields)
    assert "\n" not in refused(**fields)


def test_a_task_without_parameters_may_repeat_its_empty_values() -> None:
    assert a_task(parameters={}, variants=[{}]).variants == ({},)


def test_one_check_that_is_no_invariant_is_enough() -> None:
    checks = [{"absent": POD, "invariant": True}, {"answer": 3}]

    assert [check.invariant for check in a_task(checks=checks).checks] == [True, False]


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        ({"assert": POD}, AssertCheck),
        ({"absent": POD}, AbsentCheck),
        ({"expression": "true"}, ExpressionCheck),
        ({"can": {"serviceAccount": "a", "verb": "get", "resource": "pods"}}, CanCheck),
        ({"answer": None}, AnswerCheck),
        ({"answer": {"assert": 1}}, AnswerCheck),
    ],
)
def test_a_check_is_told_by_its_key(check: dict[str, Any], kind: type) -> None:
    (read,) = a_task(checks=[check]).checks

    assert type(read) is kind


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ({}, "checks.0: a check has exactly one of: assert, absent, expression, can, answer"),
        ({"assert": POD, "absent": POD}, "checks.0: a check has exactly one of"),
        ({"equals": POD}, "checks.0: a check has exactly one of"),
        ({1: 2}, "checks.0: a check has exactly one of"),
        ("a Pod runs", "checks.0: a check has exactly one of"),
        (None, "checks.0: a check has exactly one of"),
        ([{"assert": POD}], "checks.0: a check has exactly one of"),
        ({"assert": {"kind": "Pod"}}, "a partial manifest needs apiVersion"),
        ({"absent": {"metadata": {}}}, "a partial manifest needs apiVersion and kind"),
        ({"assert": POD, "with": {}}, "checks.0.assert.with: unknown key"),
        ({"can": {"verb": "get"}}, "checks.0.can.can.serviceAccount: Field required"),
    ],
)
def test_a_check_of_no_kind_is_refused(check: object, said: str) -> None:
    assert said in refused(checks=[check])


def test_a_reference_is_read_as_kubernetes_writes_it() -> None:
    check = ExpressionCheck.model_validate({"expression": "true", "with": {"p": {**POD, "labels": {"app": "a"}}}})

    assert check.with_ == {"p": Reference(apiVersion="v1", kind="Pod", labels={"app": "a"})}


# -- written down and read again ----------------------------------------------

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
NAME = st.text(string.ascii_lowercase, min_size=1, max_size=6).filter(lambda name: name != "namespace")
SCALAR = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXT
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
MANIFEST = st.builds(
    lambda kind, rest: {**rest, "apiVersion": "v1", "kind": kind}, TEXT, st.dictionaries(TEXT, VALUE, max_size=3)
)
REFERENCE = st.fixed_dictionaries(
    {"apiVersion": TEXT, "kind": TEXT},
    optional={"name": TEXT, "labels": st.dictionaries(TEXT, TEXT, max_size=2), "namespace": TEXT},
)
PERMISSION = st.fixed_dictionaries(
    {"serviceAccount": TEXT, "verb": TEXT, "resource": TEXT}, optional={"name": TEXT, "allowed": st.booleans()}
)
CHECK = st.one_of(
    st.fixed_dictionaries({"assert": MANIFEST}),
    st.fixed_dictionaries({"absent": MANIFEST}),
    st.fixed_dictionaries({"expression": TEXT}, optional={"with": st.dictionaries(TEXT, REFERENCE, max_size=2)}),
    st.fixed_dictionaries({"can": PERMISSION}),
    st.fixed_dictionaries({"answer": VALUE}),
)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Any task that is allowed."""
    values = draw(st.dictionaries(NAME, SCALAR, max_size=3))
    variant = {**values, **{name: "another" for name in list(values)[:1]}}
    if values and variant == values:
        variant = {name: "yet another" for name in values}
    guards = [{**check, "invariant": True} for check in draw(st.lists(CHECK, max_size=2))]
    optional = draw(
        st.fixed_dictionaries(
            {},
            optional={"id": TEXT, "setup": st.lists(MANIFEST, max_size=2), "repeatable": st.booleans()},
        )
    )
    return Task.model_validate(
        {
            "goal": draw(TEXT.filter(bool)),
            "search_terms": draw(TEXT.filter(bool)),
            "parameters": values,
            "variants": [variant],
            "checks": [*guards, *draw(st.lists(CHECK, min_size=1, max_size=3))],
            **optional,
        }
    )


@given(task=tasks())
def test_a_task_written_as_yaml_is_read_as_the_same(task: Task) -> None:
    data = task.model_dump(by_alias=True, exclude_unset=True, mode="json")
    text = yaml.safe_dump(data, sort_keys=False)

    again = Task.model_validate(yaml.safe_load(text))

    assert again == task
    assert again.model_dump(by_alias=True, exclude_unset=True, mode="json") == data


@given(task=tasks())
def test_a_task_written_as_json_is_read_as_the_same(task: Task) -> None:
    assert Task.model_validate_json(task.model_dump_json(by_alias=True, exclude_unset=True)) == task
