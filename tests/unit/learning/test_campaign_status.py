"""The status of a campaign, from its journal and its library alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fakes import MemoryStore
from tests.support.samples import a_skill, a_task, an_attempt
from voyager_k8s.core.conversation import ModelReply, ModelRequest
from voyager_k8s.core.verdict import Outcome
from voyager_k8s.learning.journal import Journal
from voyager_k8s.learning.record import TaskState
from voyager_k8s.learning.status import campaign_status


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite3")
    yield opened
    opened.close()


SEED = a_skill("apply_manifest", "Apply one manifest.", status="seed")
OTHER = a_skill("other_campaigns", "Learned elsewhere.")
FIRST = a_skill("make_pod", "Make a Pod.", attempts=1)
SECOND = a_skill(
    "make_service",
    "Make a Service.",
    attempts=3,
    status="verified",
    source=(
        "from skills.apply_manifest import apply_manifest\nfrom skills.make_pod import make_pod\n\n\n"
        'def make_service(api, *, namespace: str) -> str:\n    """Make a Service."""\n    return namespace\n'
    ),
)


def fill(journal: Journal) -> None:
    for number, (state, skill, attempts) in enumerate(
        [
            (TaskState.COMPLETED, "make_pod", 1),
            (TaskState.COMPLETED, "make_service", 3),
            (TaskState.FAILED, "", 4),
            (TaskState.UNKNOWN, "", 1),
            (TaskState.OPEN, "", 0),
        ],
        start=1,
    ):
        task = f"task-{number:03d}"
        journal.accept(a_task(id=task), number)
        for attempt in range(1, attempts + 1):
            journal.finish(
                task, an_attempt(attempt, outcome=Outcome.FAILURE if attempt < attempts else Outcome.SUCCESS)
            )
        if state is not TaskState.OPEN:
            journal.end(task, state, skill=skill, reason="" if skill else "because")
    journal.give_up_round("task-006", 6, "no proposal")
    request = ModelRequest(role="action", task="task-001", ordinal=1, messages=())
    journal.called(request, ModelReply(text="x", model="m", prompt_tokens=7, reply_tokens=2), "0" * 16)
    journal.note("stopped_because", "finished")


def test_a_campaign_that_has_not_begun(journal: Journal) -> None:
    status = campaign_status("runs/new", "shared/library", journal, MemoryStore(SEED))

    assert (status.folder, status.library) == ("runs/new", "shared/library")
    assert (status.tasks_completed, status.tasks_failed, status.attempts, status.skills) == (0, 0, 0, ())
    assert status.overhead_seconds_per_attempt is None
    assert status.stopped_because == ""


def test_everything_is_counted(journal: Journal) -> None:
    fill(journal)

    status = campaign_status("runs/demo", "runs/demo/library", journal, MemoryStore(SEED, OTHER, FIRST, SECOND))

    assert (status.tasks_completed, status.tasks_failed, status.tasks_unknown, status.tasks_rejected) == (2, 1, 1, 1)
    assert status.attempts == 9
    assert status.tokens == {"prompt": 7, "reply": 2, "total": 9, "calls": 1}
    assert status.stopped_because == "finished"
    assert status.seconds_per_phase["run"] == 0.5
    assert status.overhead_seconds_per_attempt == pytest.approx(0.25)
    assert [(line.id, line.state, line.skill, line.reason) for line in status.tasks][2:] == [
        ("task-003", TaskState.FAILED, "", "because"),
        ("task-004", TaskState.UNKNOWN, "", "because"),
        ("task-005", TaskState.OPEN, "", ""),
        ("task-006", TaskState.REJECTED, "", "no proposal"),
    ]


def test_only_the_campaigns_own_skills_are_listed_and_learned_imports_told_apart(journal: Journal) -> None:
    fill(journal)

    skills = campaign_status("f", "f/library", journal, MemoryStore(SEED, OTHER, FIRST, SECOND)).skills

    assert [(skill.name, skill.status, skill.attempts) for skill in skills] == [
        ("make_pod", "candidate", 1),
        ("make_service", "verified", 3),
    ]
    assert skills[1].imports == ("apply_manifest", "make_pod")
    assert skills[1].imports_learned == ("make_pod",)


def test_a_skill_that_was_deleted_by_hand_is_no_error(journal: Journal) -> None:
    fill(journal)

    assert [skill.name for skill in campaign_status("f", "f/library", journal, MemoryStore(FIRST)).skills] == [
        "make_pod"
    ]


def test_the_status_is_json_with_the_keys_that_are_promised(journal: Journal) -> None:
    fill(journal)

    data = json.loads(campaign_status("f", "f/library", journal, MemoryStore(SEED, FIRST, SECOND)).model_dump_json())

    promised = {
        "tasks_completed",
        "tasks_failed",
        "attempts",
        "skills",
        "tokens",
        "seconds_per_phase",
        "stopped_because",
    }
    assert promised <= set(data)
    assert {"name", "imports", "attempts"} <= set(data["skills"][0])
