"""What every task of a curriculum file must be, as far as that shows without a cluster."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, meta

from voyager_k8s.agents.contract import faults
from voyager_k8s.agents.curriculum import TaskFile, duplicate_of
from voyager_k8s.agents.templating import bind_task
from voyager_k8s.clusters.expressions import fault
from voyager_k8s.core.data import data_folder
from voyager_k8s.core.progress import Completed, Progress
from voyager_k8s.core.task import BoundTask, ExpressionCheck, Task

FILES = sorted(data_folder("curricula").glob("*.yaml"))
SOLUTIONS = sorted((Path(__file__).parents[1] / "integration" / "solutions").glob("*.py"))
SEEDS = {path.stem for path in data_folder("skills").glob("*.py")}


def _read(path: Path) -> TaskFile:
    return TaskFile.model_validate(yaml.safe_load(path.read_text()))


TASKS = [pytest.param(task, id=f"{path.stem}-{n:02}") for path in FILES for n, task in enumerate(_read(path).tasks, 1)]
FIRST_STEPS = _read(data_folder("curricula") / "first-steps.yaml")


def _bound(task: Task) -> Iterator[BoundTask]:
    for values in (task.parameters, *task.variants):
        yield bind_task(task, values, "some-namespace")


def _names(*templates: Any) -> set[str]:
    """The parameters that templates use, wherever in them."""
    text = json.dumps(templates).replace('\\"', '"')
    return meta.find_undeclared_variables(Environment(autoescape=True).parse(text)) - {"range"}


def _checks(task: Task, invariant: bool) -> list[Any]:
    chosen = (check for check in task.checks if check.invariant is invariant)
    return [check.model_dump(by_alias=True, exclude_unset=True) for check in chosen]


def test_first_steps_has_tasks_of_every_sort() -> None:
    assert FIRST_STEPS.name == "first-steps"
    assert len(FIRST_STEPS.tasks) >= 15
    kinds = {type(check).__name__ for task in FIRST_STEPS.tasks for check in task.checks}
    assert kinds >= {"AssertCheck", "ExpressionCheck", "CanCheck", "AnswerCheck"}
    assert sum(not task.repeatable for task in FIRST_STEPS.tasks) == 1
    assert sum(any(check.invariant for check in task.checks) for task in FIRST_STEPS.tasks) >= 5
    assert sum(not task.setup for task in FIRST_STEPS.tasks) >= 3


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_goals_are_distinct(path: Path) -> None:
    tasks = _read(path).tasks
    for place, task in enumerate(tasks):
        done = tuple(Completed(goal=other.goal, skill="", attempts=1) for other in tasks[:place])
        assert duplicate_of(task.goal, Progress(completed=done)) is None
    assert len({task.search_terms for task in tasks}) == len(tasks)


@pytest.mark.parametrize("task", TASKS)
def test_every_template_binds(task: Task) -> None:
    for bound in _bound(task):
        assert "{{" not in bound.model_dump_json()
        assert all("namespace" not in manifest["metadata"] for manifest in bound.setup)


@pytest.mark.parametrize("task", TASKS)
def test_every_expression_can_be_evaluated(task: Task) -> None:
    for bound in _bound(task):
        for check in bound.checks:
            if isinstance(check, ExpressionCheck):
                assert fault(check.expression, {*check.with_, "answer"}) == ""


@pytest.mark.parametrize("task", TASKS)
def test_the_goal_says_what_the_checks_look_at(task: Task) -> None:
    """What a check wants is in the goal, or can be found in the world of the set-up; no parameter is idle."""
    setup = _names(task.setup)
    assert _names(_checks(task, invariant=False)) <= _names(task.goal) | setup
    assert _names(_checks(task, invariant=True)) <= _names(task.goal) | setup
    assert _names(task.goal) | setup == set(task.parameters)


@pytest.mark.parametrize("task", TASKS)
def test_variants_differ_where_it_matters(task: Task) -> None:
    goals = [bound.goal for bound in _bound(task)]
    checks = [bound.model_dump(include={"checks"}) for bound in _bound(task)]
    assert all(goal != goals[0] for goal in goals[1:])
    assert all(each != checks[0] for each in checks[1:])


@pytest.mark.parametrize("task", TASKS)
def test_search_terms_are_general(task: Task) -> None:
    assert _names(task.search_terms) == set()


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_a_solution_is_of_a_skills_form(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert faults(tree, SEEDS) == []
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [name for name in functions if not name.startswith("_")] == [path.stem]
