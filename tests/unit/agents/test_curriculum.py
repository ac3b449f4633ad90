"""The three curricula hand out tasks of one form, and send back what is none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import FACTS, a_task
from voyager_k8s.agents.curriculum import Curriculum, CurriculumAgent, ManualCurriculum, TaskList, Wanted, duplicate_of
from voyager_k8s.core.errors import ModelError, TaskRejected, UsageError
from voyager_k8s.core.progress import Completed, Failed, Progress
from voyager_k8s.core.task import Task
from voyager_k8s.models.scripted import ScriptedModel

CHECK = {"assert": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "{{ name }}"}}}


def proposal(**fields: Any) -> str:
    data = {
        "reasoning": "A first step.",
        "goal": "Run a Pod named {{ name }}.",
        "search_terms": "create a Pod",
        "parameters": {"name": "web"},
        "variants": [{"name": "db"}],
        "checks": [CHECK],
    }
    return json.dumps({**data, **fields})


def progress(*goals: str, failed: tuple[Failed, ...] = (), skills: tuple[str, ...] = ()) -> Progress:
    done = tuple(Completed(goal=goal, skill="s", attempts=1) for goal in goals)
    return Progress(completed=done, failed=failed, skills=skills)


def wanted(number: int = 1, done: Progress | None = None, rejected: tuple[str, ...] = ()) -> Wanted:
    return Wanted(
        task_id=f"task-{number:03d}", round=number, progress=done or Progress(), facts=FACTS, rejected=rejected
    )


def propose(*replies: str, ask: Wanted | None = None, wish: str = "") -> tuple[Task, ScriptedModel]:
    model = ScriptedModel({"curriculum": replies})
    return CurriculumAgent(model, max_replies=3).propose_next_task(ask or wanted(), wish), model


# -- proposed by a model -----------------------------------------------------------


def test_a_proposal_becomes_a_task_with_the_id_of_the_round() -> None:
    task, model = propose(proposal(), ask=wanted(4))

    assert task == Task.model_validate(
        {**{key: value for key, value in json.loads(proposal()).items() if key != "reasoning"}, "id": "task-004"}
    )
    (request,) = model.requests
    assert (request.role, request.task) == ("curriculum", "task-004")
    assert request.reply_schema is not None
    assert {"goal", "parameters", "variants", "checks"} <= set(request.reply_schema["required"])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("I would rather not.", "must be one object with the keys reasoning, goal"),
        (proposal(difficulty=3), "difficulty: unknown key"),
        (proposal(checks=[]), "checks: List should have at least 1 item"),
        (proposal(checks=["a Pod runs"]), "checks.0: a check has exactly one of"),
        (proposal(checks=[{**CHECK, "invariant": True}]), "at least one must not be an invariant"),
        (proposal(variants=[{"name": "web"}]), "set 1 has the same values"),
        (proposal(variants=[{"nmae": "db"}]), "set 1 has the names ['nmae']"),
        (proposal(parameters={"namespace": "x"}), "`namespace` is given by the workspace"),
        (proposal(goal="Run {{ nmae }}."), "'nmae' is undefined; the parameters are name, namespace"),
        (proposal(goal="Run {{ name."), "the template 'Run {{ name.' fails"),
        (proposal(setup=[{"kind": "{{ x }}"}]), "'x' is undefined"),
        (proposal(checks=[{"answer": ["{{ name.__class__ }}"]}]), "the template"),
        (proposal(variants=[{"name": 0}], goal="Run {{ 1 / name }}", parameters={"name": 1}), "division by zero"),
    ],
)
def test_a_proposal_that_is_no_task_is_sent_back_and_mended(bad: str, said: str) -> None:
    task, model = propose(bad, proposal())

    assert task.goal == "Run a Pod named {{ name }}."
    assert len(model.requests) == 2
    assert said in model.requests[1].messages[-1].text


def test_a_task_that_was_done_is_sent_back_with_the_goal_it_repeats() -> None:
    done = progress("Run a Pod named {{ app }}.")

    task, model = propose(proposal(), proposal(goal="Scale {{ name }}."), ask=wanted(done=done))

    assert task.goal == "Scale {{ name }}."
    assert "this was done already ('Run a Pod named {{ app }}.')" in model.requests[1].messages[-1].text


def test_a_curriculum_that_never_gets_there_rejects_with_the_last_reason() -> None:
    with pytest.raises(TaskRejected, match="difficulty: unknown key"):
        propose("no", "no", proposal(difficulty=1))


def test_a_model_that_is_down_is_no_rejection() -> None:
    with pytest.raises(ModelError):
        propose()


def test_the_question_tells_what_was_done_failed_learned_and_sent_back() -> None:
    done = progress(
        "Goal one.",
        "Goal two.",
        failed=(Failed(goal="Goal three.", reason="no rights"),),
        skills=("one: Does one.", "two: Does two."),
    )
    _, model = propose(proposal(), ask=wanted(3, done, rejected=("a check holds already",)))

    human = model.requests[0].messages[1].text
    order = [human.index(part) for part in ("v1.36.1", "Goal two.", "Goal one.", "Goal three.", "no rights")]
    assert order == sorted(order)
    assert human.index("two: Does two.") < human.index("one: Does one.")
    assert "- a check holds already" in human
    assert "Done so far (2" in human
    assert human.rstrip().endswith("Propose the next task.")


def test_a_long_history_is_cut_and_said_to_be() -> None:
    done = progress(*(f"Goal number {n} " + "x" * 200 for n in range(200)))
    _, model = propose(proposal(), ask=wanted(201, done))

    human = model.requests[0].messages[1].text
    assert len(human) < 6_000
    assert "Goal number 199" in human
    assert re.search(r"\(\d+ more tasks left out\)", human)


# -- asked of a person ---------------------------------------------------------------


def test_a_persons_goal_is_put_to_the_model_and_may_repeat() -> None:
    asked: list[str] = []
    model = ScriptedModel({"curriculum": [proposal()]})

    def person(question: str) -> str:
        asked.append(question)
        return "  run a pod  "

    curriculum: Curriculum = ManualCurriculum(CurriculumAgent(model, max_replies=1), person)
    task = curriculum.propose_next_task(wanted(done=progress("Run a Pod named {{ name }}.")))

    assert task is not None
    assert curriculum.rounds is None
    assert "write it as a task: run a pod" in model.requests[0].messages[1].text
    assert "Propose the next task" not in model.requests[0].messages[1].text
    assert len(asked) == 1


def test_a_person_is_told_why_the_last_goal_was_refused_and_may_stop() -> None:
    asked: list[str] = []
    curriculum = ManualCurriculum(CurriculumAgent(ScriptedModel({}), max_replies=1), lambda q: asked.append(q) or " ")  # type: ignore[func-returns-value]  # list.append returns None, which is the point

    assert curriculum.propose_next_task(wanted(rejected=("first", "it holds already"))) is None
    assert asked[0].startswith("That cannot be used: it holds already\n")


# -- read from a list -----------------------------------------------------------------


def write(path: Path, *tasks: dict[str, Any], **fields: Any) -> Path:
    path.write_text(yaml.safe_dump({"name": "test", "tasks": list(tasks), **fields}))
    return path


def data(**fields: Any) -> dict[str, Any]:
    return a_task(**fields).model_dump(by_alias=True, exclude_unset=True, mode="json", exclude={"id"})


def test_a_file_is_handed_out_in_order_until_its_end(tmp_path: Path) -> None:
    curriculum: Curriculum = TaskList.read(
        write(tmp_path / "c.yaml", data(goal="One {{ name }}."), data(goal="Two {{ name }}."), description="d")
    )

    goals = [(task.id, task.goal) for number in (1, 2) if (task := curriculum.propose_next_task(wanted(number)))]

    assert curriculum.rounds == 2
    assert goals == [("task-001", "One {{ name }}."), ("task-002", "Two {{ name }}.")]
    assert curriculum.propose_next_task(wanted(3)) is None


def test_a_list_ends() -> None:
    assert TaskList([a_task()]).propose_next_task(wanted().model_copy(update={"round": 2})) is None


def test_a_listed_task_that_was_done_is_rejected() -> None:
    with pytest.raises(TaskRejected, match="this was done already"):
        TaskList([a_task()]).propose_next_task(wanted(done=progress(a_task().goal)))


def test_a_listed_task_whose_template_fails_is_rejected() -> None:
    with pytest.raises(TaskRejected, match="'nmae' is undefined"):
        TaskList([a_task(goal="{{ nmae }}")]).propose_next_task(wanted())


def test_keys_and_dates_of_yaml_are_read_as_kubernetes_would(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    manifest = (
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: '{{ name }}', annotations: {since: 2024-01-02, 7: x}}}"
    )
    text = yaml.safe_dump({"name": "test", "tasks": [data()]}).replace(
        "  search_terms", f"  setup: [{manifest}]\n  search_terms"
    )
    path.write_text(text)

    task = TaskList.read(path).propose_next_task(wanted())

    assert task is not None
    assert task.setup[0]["metadata"]["annotations"] == {"since": "2024-01-02", "7": "x"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\ntasks: [", "is not YAML"),
        ("name: x\nsince: 2024-13-45\n", "is not YAML"),
        ("a: \t- b", "is not YAML"),
        (b"\xff\xfe\x00name", "is not YAML: 'utf-8' codec"),
        ("", "value: Input should be a valid dictionary"),
        ("- goal: x", "value: Input should be a valid dictionary"),
        ("name: x", "tasks: Field required"),
        ("name: x\ntasks: []", "tasks: Tuple should have at least 1 item"),
        (yaml.safe_dump({"name": "x", "tasks": [{**data(), "gaol": 1}]}), "tasks.0.gaol: unknown key"),
        (yaml.safe_dump({"name": "x", "tasks": [data()], "taks": []}), "taks: unknown key"),
        (
            yaml.safe_dump({"name": "x", "tasks": [{**data(), "checks": ["x"]}]}),
            "tasks.0.checks.0: a check has exactly",
        ),
        (yaml.safe_dump({"name": "x", "tasks": [{**data(), "variants": [{}]}]}), "set 1 has the names []"),
    ],
)
def test_a_file_that_is_no_curriculum_is_refused_in_one_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = tmp_path / "steps.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(UsageError) as caught:
        TaskList.read(path)

    assert str(caught.value).startswith(f"the curriculum {path}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml cannot be read: No such file"):
        TaskList.read(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        TaskList.read(tmp_path)


# -- said already ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "other"),
    [
        ("Run a Pod named {{ name }}.", "Run a Pod named {{ name }}."),
        ("Run a Pod named {{ name }}.", "run a pod, named {{app}}"),
        ("Run {{ n }} Pods.", "Run {{ replicas | int }} Pods!"),
        ("Создай под {{ name }}", "создай под {{ имя }}"),
    ],
)
def test_the_same_goal_in_other_dress_is_recognised(goal: str, other: str) -> None:
    assert duplicate_of(goal, progress("Something else.", other)) == other


@pytest.mark.parametrize(
    ("goal", "other"),
    [
        ("Run a Pod named {{ name }}.", "Delete the Pod named {{ name }}."),
        ("Make a Role for {{ name }}.", "Make a RoleBinding for {{ name }}."),
        ("Scale {{ name }} to {{ n }}.", "Scale {{ name }}."),
        ("Запусти под {{ name }}", "Удали сервис {{ name }}"),
        ("启动 {{ name }}", "删除 {{ name }}"),
    ],
)
def test_another_goal_is_new(goal: str, other: str) -> None:
    assert duplicate_of(goal, progress(other)) is None


@given(goals=st.lists(st.text(max_size=30), max_size=4), goal=st.text(max_size=30))
def test_a_goal_that_was_done_is_always_recognised_and_the_answer_is_one_that_was(goals: list[str], goal: str) -> None:
    assert duplicate_of(goal, progress(*goals, goal)) in (*goals, goal)
    assert duplicate_of(goal, progress(*goals)) in (None, *goals)
