"""Every question is numbered, answered, journaled and filed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest

from voyager_k8s.core.conversation import Message, ModelReply, ModelRequest, Role, prompt_hash
from voyager_k8s.core.errors import ModelError
from voyager_k8s.core.ports import ChatModel
from voyager_k8s.learning.artefacts import Artefacts
from voyager_k8s.learning.calls import JournaledModel
from voyager_k8s.learning.journal import Journal
from voyager_k8s.learning.record import Phases
from voyager_k8s.models.scripted import ScriptedModel


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite3")
    yield opened
    opened.close()


def request(role: Role = "action", task: str = "task-001") -> ModelRequest:
    return ModelRequest(role=role, task=task, messages=(Message(author="human", text="one two three"),))


def test_questions_are_numbered_before_they_are_asked(journal: Journal, tmp_path: Path) -> None:
    inner = ScriptedModel(lambda asked: f"{asked.role} {asked.ordinal}")
    model: ChatModel = JournaledModel(inner, journal, Artefacts(tmp_path))

    texts = [model.complete(request(role)).text for role in ("action", "critic", "action")]

    assert texts == ["action 1", "critic 1", "action 2"]
    assert [asked.ordinal for asked in inner.requests] == [1, 1, 2]
    assert {asked.messages for asked in inner.requests} == {request().messages}


def test_a_reply_is_counted_and_filed(journal: Journal, tmp_path: Path) -> None:
    model = JournaledModel(ScriptedModel({"action": ["four words in reply"]}), journal, Artefacts(tmp_path))

    model.complete(request())

    assert journal.tokens() == {"prompt": 3, "reply": 4, "total": 7, "calls": 1}
    assert journal.model_of("action", "task-001") == "scripted"
    assert "four words in reply" in (tmp_path / "tasks" / "task-001" / "action-1.md").read_text()


def test_a_question_without_an_answer_leaves_its_number_free(journal: Journal, tmp_path: Path) -> None:
    model = JournaledModel(ScriptedModel({}), journal, Artefacts(tmp_path))

    with pytest.raises(ModelError):
        model.complete(request())

    assert journal.tokens()["calls"] == 0
    assert journal.next_ordinal("action", "task-001") == 1
    assert not (tmp_path / "tasks").exists()


def test_the_time_of_a_reply_is_taken_from_what_asked_for_it(journal: Journal, tmp_path: Path) -> None:
    def slow(asked: ModelRequest) -> str:
        sleep(0.02)
        return "done"

    model = JournaledModel(ScriptedModel(slow), journal, Artefacts(tmp_path))
    phases = model.phases["task-001"] = Phases()
    with phases.measure("write"):
        model.complete(request())
        model.complete(request(task="task-002"))

    assert phases.seconds["model"] >= 0.02
    assert phases.seconds["write"] >= 0.02
    assert set(model.phases["task-002"].seconds) == {"model"}


def test_the_hash_of_the_prompt_is_kept(journal: Journal, tmp_path: Path) -> None:
    kept: list[str] = []

    class Recording(Journal):
        def called(self, request: ModelRequest, reply: ModelReply, prompt_hash: str) -> None:
            kept.append(prompt_hash)

    recording = Recording(tmp_path / "other.sqlite3")
    JournaledModel(ScriptedModel({"action": ["x"]}), recording, Artefacts(tmp_path)).complete(request())
    recording.close()

    assert kept == [prompt_hash(request().messages)]
