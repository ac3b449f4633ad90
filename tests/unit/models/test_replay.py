from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from voyager_k8s.core.conversation import Message, ModelRequest, Role, prompt_hash
from voyager_k8s.core.errors import CassetteError, UsageError
from voyager_k8s.core.progress import Notice
from voyager_k8s.models.cassette import TITLE, Entry, write_entry
from voyager_k8s.models.replay import open_cassette

Record = Callable[..., Path]


def request(text: str = "p", ordinal: int = 1, role: Role = "action", task: str = "task-001") -> ModelRequest:
    return ModelRequest(role=role, task=task, ordinal=ordinal, messages=(Message(author="system", text=text),))


def entry(reply: str, ordinal: int = 1, prompt: str = "p", role: Role = "action") -> Entry:
    return Entry(
        role=role,
        task="task-001",
        ordinal=ordinal,
        prompt=prompt_hash((Message(author="system", text=prompt),)),
        model="gpt-5.1",
        prompt_tokens=10,
        reply_tokens=2,
        seconds=3,
        reply=reply,
    )


@pytest.fixture
def record(tmp_path: Path) -> Record:
    def write(*entries: Entry) -> Path:
        path = tmp_path / "demo.cassette"
        path.write_text(TITLE + "".join(write_entry(one) for one in entries))
        return path

    return write


def test_replies_are_found_by_role_task_and_ordinal_in_any_order(record: Record) -> None:
    model = open_cassette(record(entry("one"), entry("two", 2), entry("judged", role="critic")))

    assert model.complete(request(ordinal=2)).text == "two"
    assert model.complete(request(role="critic")).text == "judged"
    reply = model.complete(request())
    assert (reply.text, reply.model, reply.prompt_tokens, reply.reply_tokens) == ("one", "gpt-5.1", 10, 2)
    assert (model.replies, model.mismatches) == (3, 0)


def test_the_later_of_two_recordings_counts(record: Record) -> None:
    assert open_cassette(record(entry("early"), entry("late"))).complete(request()).text == "late"


def test_another_prompt_is_counted_and_said_once(record: Record) -> None:
    notices: list[Notice] = []
    model = open_cassette(record(entry("one"), entry("two", 2), entry("three", 3)), listener=notices.append)

    texts = [model.complete(request(text, ordinal)).text for text, ordinal in (("x", 1), ("p", 2), ("y", 3))]

    assert texts == ["one", "two", "three"]
    assert (model.replies, model.mismatches) == (3, 2)
    (notice,) = notices
    assert "action at task-001 #1 was recorded for another prompt; it is used all the same" in notice.text
    assert notice.kind == "model"


def test_another_prompt_is_refused_when_strict(record: Record) -> None:
    model = open_cassette(record(entry("one"), entry("two", 2)), strict=True)

    with pytest.raises(CassetteError, match=r"action at task-001 #1 was recorded for another prompt \(hash"):
        model.complete(request("x"))
    assert model.complete(request(ordinal=2)).text == "two"


@pytest.mark.parametrize(
    ("missing", "hint"),
    [
        (
            request(ordinal=3),
            "no reply for action at task-001 #3; for action at task-001 it has #1, #2; record it with",
        ),
        (request(task="task-009"), "no reply for action at task-009 #1; for action it has the tasks task-001;"),
        (request(role="critic"), r"no reply for critic at task-001 #1; it has nothing for critic \(2 replies in all\)"),
    ],
)
def test_a_missing_reply_says_what_there_is(record: Record, missing: ModelRequest, hint: str) -> None:
    model = open_cassette(record(entry("one"), entry("two", 2)))

    with pytest.raises(CassetteError, match=hint):
        model.complete(missing)


def test_an_unfinished_entry_is_said_and_does_not_count(record: Record) -> None:
    path = record(entry("one"), entry("two", 2))
    path.write_bytes(path.read_bytes()[:-10])
    notices: list[Notice] = []

    model = open_cassette(path, listener=notices.append)

    assert model.complete(request()).text == "one"
    assert [notice.kind for notice in notices] == ["warning"]
    assert "the last entry is unfinished" in notices[0].text
    with pytest.raises(CassetteError):
        model.complete(request(ordinal=2))


def test_no_cassette_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="record one with --record"):
        open_cassette(tmp_path / "none")


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [
        ("replay", {"langchain", "langchain_openai", "openai", "httpx", "tiktoken"}),
        ("recording", {"langchain_core", "tenacity", "yaml"}),
        ("scripted", {"langchain_core", "tenacity", "yaml"}),
        ("combine", {"langchain_core", "tenacity", "yaml"}),
        ("providers", {"langchain_core", "tenacity", "yaml"}),
    ],
)
def test_what_a_module_does_not_load(module: str, kept_out: set[str]) -> None:
    code = f"import sys, voyager_k8s.models.{module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert kept_out & set(loaded) == set()
    assert f"voyager_k8s.models.{module}" in loaded
