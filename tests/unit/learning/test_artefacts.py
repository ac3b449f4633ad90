"""The files for people: one folder a task, complete, readable, and written over when done again."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.support.samples import SOURCE, a_task, an_attempt, event
from voyager_k8s.core.conversation import Message, ModelReply, ModelRequest
from voyager_k8s.core.program import Execution
from voyager_k8s.core.task import Task
from voyager_k8s.core.verdict import Verdict
from voyager_k8s.learning.artefacts import Artefacts


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_task_can_be_read_again(tmp_path: Path) -> None:
    task = a_task(id="task-003", goal="Größe {{ name }} 尺寸", setup=[{"apiVersion": "v1", "kind": "Pod"}])

    Artefacts(tmp_path).task(task)

    text = (tmp_path / "tasks" / "task-003" / "task.yaml").read_text("utf-8")
    assert Task.model_validate(yaml.safe_load(text)) == task
    assert "Größe {{ name }} 尺寸" in text


def test_a_question_and_its_reply_make_a_page(tmp_path: Path) -> None:
    messages = (Message(author="system", text="You judge."), Message(author="human", text="Is it done? ✓"))
    request = ModelRequest(role="critic", task="task-001", ordinal=2, messages=messages)

    Artefacts(tmp_path).call(request, ModelReply(text="It is.", model="openai:x"))

    assert files(tmp_path) == ["tasks/task-001/critic-2.md"]
    assert (tmp_path / "tasks/task-001/critic-2.md").read_text("utf-8") == (
        "# system\n\nYou judge.\n\n# human\n\nIs it done? ✓\n\n# reply (openai:x)\n\nIt is.\n"
    )


def test_a_reply_that_is_no_unicode_does_not_stop_a_campaign(tmp_path: Path) -> None:
    request = ModelRequest(role="critic", task="task-001", ordinal=1, messages=())

    Artefacts(tmp_path).call(request, ModelReply(text="half \ud83d a pair", model="m"))

    assert "half \\ud83d a pair" in (tmp_path / "tasks/task-001/critic-1.md").read_text("utf-8")


def test_an_attempt_is_all_there(tmp_path: Path) -> None:
    attempt = an_attempt(2, events=(event(message="x" * 5_000),))

    Artefacts(tmp_path).attempt("task-001", attempt)

    folder = tmp_path / "tasks" / "task-001" / "attempt-2"
    assert files(folder) == ["arguments.json", "changes.txt", "execution.json", "make_config_map.py", "verdict.json"]
    assert (folder / "make_config_map.py").read_text() == SOURCE
    assert json.loads((folder / "arguments.json").read_text()) == attempt.program.arguments
    assert Execution.model_validate_json((folder / "execution.json").read_text()) == attempt.execution
    assert Verdict.model_validate_json((folder / "verdict.json").read_text()) == attempt.verdict
    changes = (folder / "changes.txt").read_text()
    assert "+ ConfigMap/settings" in changes
    assert "x" * 5_000 in changes


def test_an_attempt_done_again_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    artefacts, attempt = Artefacts(tmp_path), an_attempt(1)
    artefacts.attempt("task-001", attempt)
    program = attempt.program.model_copy(update={"name": "other", "source": SOURCE.replace("make_config_map", "other")})

    artefacts.attempt("task-001", attempt.model_copy(update={"program": program}))

    assert [path.name for path in (tmp_path / "tasks/task-001/attempt-1").glob("*.py")] == ["other.py"]
