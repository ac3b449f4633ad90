"""The journal: whole attempts or none, every paid call counted, and a campaign that finds its place again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.support.samples import a_task, an_attempt, an_execution
from voyager_k8s.core.conversation import ModelReply, ModelRequest, Role
from voyager_k8s.core.errors import InfrastructureError, UsageError
from voyager_k8s.core.progress import Completed, Failed
from voyager_k8s.core.verdict import Outcome
from voyager_k8s.learning.journal import Journal, Lesson
from voyager_k8s.learning.record import TaskState


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal(path)
    yield opened
    opened.close()


def reopened(journal: Journal, path: Path) -> Journal:
    """As after a crash: what was in memory is gone."""
    journal.close()
    return Journal(path)


def call(journal: Journal, role: Role = "action", task: str = "task-001", tokens: int = 10, model: str = "m") -> int:
    """One answered question; returns its number."""
    ordinal = journal.next_ordinal(role, task)
    request = ModelRequest(role=role, task=task, ordinal=ordinal, messages=())
    reply = ModelReply(text="t", model=model, prompt_tokens=tokens, reply_tokens=1, seconds=0.5)
    journal.called(request, reply, "0" * 16)
    return ordinal


# -- tasks ---------------------------------------------------------------------------


def test_a_new_journal_is_empty(journal: Journal) -> None:
    assert journal.tasks() == ()
    assert journal.attempts("task-001") == ()
    assert journal.lessons() == ()
    assert journal.tokens() == {"prompt": 0, "reply": 0, "total": 0, "calls": 0}
    assert journal.phase_medians() == {}
    assert journal.overhead() is None
    assert journal.noted("anything") == ""
    assert journal.replay() == {}


def test_a_campaign_is_found_as_it_was_left(journal: Journal, path: Path) -> None:
    first, second, third = (a_task(id=f"task-00{n}", goal=f"Goal {n} {{{{ name }}}}") for n in (1, 2, 3))
    journal.accept(first, 1)
    journal.finish("task-001", an_attempt(1, outcome=Outcome.FAILURE, critique="no"))
    journal.finish("task-001", an_attempt(2))
    journal.end("task-001", TaskState.COMPLETED, skill="make_config_map")
    journal.give_up_round("task-002", 2, "it cannot be set up")
    journal.accept(third.model_copy(update={"id": "task-003"}), 3)
    journal.end("task-003", TaskState.FAILED, reason="never ready")
    journal.accept(second.model_copy(update={"id": "task-004"}), 4)

    again = reopened(journal, path)
    records = again.tasks()

    assert [(one.id, one.round, one.state, one.attempts) for one in records] == [
        ("task-001", 1, TaskState.COMPLETED, 2),
        ("task-002", 2, TaskState.REJECTED, 0),
        ("task-003", 3, TaskState.FAILED, 0),
        ("task-004", 4, TaskState.OPEN, 0),
    ]
    assert [record.task is None for record in records] == [False, True, False, False]
    assert records[0].task == first
    assert records[1].reason == "it cannot be set up"
    assert again.completed_tasks() == (Completed(goal="Goal 1 {{ name }}", skill="make_config_map", attempts=2),)
    assert again.failed_tasks() == (Failed(goal="Goal 3 {{ name }}", reason="never ready"),)
    again.close()


def test_what_could_not_be_judged_is_neither_done_nor_failed(journal: Journal) -> None:
    journal.accept(a_task(), 1)
    journal.end("task-001", TaskState.UNKNOWN, reason="the critic could not be read")

    assert journal.completed_tasks() == ()
    assert journal.failed_tasks() == ()


def test_rounds_are_told_in_their_order(journal: Journal) -> None:
    for number in (10, 2, 1):
        journal.accept(a_task(id=f"task-{number}"), number)

    assert [record.round for record in journal.tasks()] == [1, 2, 10]


def test_a_task_is_accepted_once(journal: Journal) -> None:
    journal.accept(a_task(), 1)

    with pytest.raises(InfrastructureError, match="cannot be written: UNIQUE constraint failed"):
        journal.accept(a_task(), 1)

    assert len(journal.tasks()) == 1


# -- attempts ------------------------------------------------------------------------


def test_an_attempt_comes_back_as_it_was(journal: Journal, path: Path) -> None:
    attempt = an_attempt(1, execution=an_execution(result={"a": [1, None, "é"]}), practised=("general",), events=())
    journal.accept(a_task(), 1)
    journal.finish("task-001", attempt)

    (found,) = reopened(journal, path).attempts("task-001")

    assert found == attempt.model_copy(update={"phases": {}})


def test_attempts_are_told_in_their_order_and_by_task(journal: Journal) -> None:
    for task in ("task-001", "task-002"):
        for number in (2, 1):
            journal.finish(task, an_attempt(number))

    assert [attempt.number for attempt in journal.attempts("task-002")] == [1, 2]


def test_an_attempt_that_cannot_be_written_whole_is_not_there_at_all(journal: Journal, path: Path) -> None:
    journal.accept(a_task(), 1)
    broken = an_attempt(1).model_copy(update={"phases": {"run": float("nan")}})

    with pytest.raises(InfrastructureError, match="cannot be written"):
        journal.finish("task-001", broken)

    assert rows(path) == {"attempts": 0, "executions": 0, "verdicts": 0, "phases": 0}
    journal.finish("task-001", an_attempt(1))
    assert rows(path) == {"attempts": 1, "executions": 1, "verdicts": 1, "phases": 4}


def test_an_error_of_another_kind_in_the_middle_leaves_nothing_and_the_journal_usable(
    journal: Journal, path: Path
) -> None:
    class Stop(BaseException):
        """Stands for Ctrl-C."""

    class Interrupting(dict[str, float]):
        def items(self) -> Any:
            raise Stop

    journal.accept(a_task(), 1)
    with pytest.raises(Stop):
        journal.finish("task-001", an_attempt(1).model_copy(update={"phases": Interrupting()}))

    journal.note("stopped_because", "interrupted")
    assert rows(path) == {"attempts": 0, "executions": 0, "verdicts": 0, "phases": 0}
    assert journal.noted("stopped_because") == "interrupted"


def test_text_that_is_no_unicode_leaves_the_journal_usable(journal: Journal) -> None:
    with pytest.raises((InfrastructureError, UnicodeError)):
        journal.reject("task-001", "half a pair: \ud800")

    journal.note("key", "value")
    assert journal.noted("key") == "value"


def rows(path: Path) -> dict[str, int]:
    """What another process would see."""
    with sqlite3.connect(path) as db:
        tables = ("attempts", "executions", "verdicts", "phases")
        found = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    db.close()
    return found


def _write_until_killed(path: Path, ready: Any) -> None:
    journal = Journal(path)
    journal.accept(a_task(), 1)
    ready.set()
    for number in range(1, 100_000):
        journal.finish("task-001", an_attempt(number))


def test_a_process_that_is_killed_leaves_whole_attempts(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    writer = context.Process(target=_write_until_killed, args=(path, ready))
    writer.start()
    assert ready.wait(60)
    with sqlite3.connect(path) as db:
        while db.execute("SELECT count(*) FROM attempts").fetchone()[0] < 5:
            pass
    db.close()
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()

    journal = Journal(path)
    attempts = journal.attempts("task-001")
    assert len(attempts) >= 5
    assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
    assert rows(path) == {
        "attempts": len(attempts),
        "executions": len(attempts),
        "verdicts": len(attempts),
        "phases": 4 * len(attempts),
    }
    journal.close()


# -- model calls ---------------------------------------------------------------------


def test_questions_are_numbered_by_role_and_task(journal: Journal) -> None:
    journal.begin_stage("task-001", "attempt-1")

    assert [call(journal), call(journal), call(journal, "critic"), call(journal, task="task-002")] == [1, 2, 1, 1]


def test_stages_go_on_counting(journal: Journal, path: Path) -> None:
    journal.begin_stage("task-001", "attempt-1")
    assert call(journal) == 1
    journal.begin_stage("task-001", "attempt-2")
    assert call(journal) == 2

    again = reopened(journal, path)
    again.begin_stage("task-001", "attempt-3")
    assert call(again) == 3
    again.close()


def test_an_interrupted_stage_gives_its_numbers_out_again_and_stays_paid_for(journal: Journal, path: Path) -> None:
    journal.begin_stage("task-001", "attempt-1")
    assert [call(journal), call(journal, "critic")] == [1, 1]
    journal.begin_stage("task-001", "attempt-2")
    assert [call(journal), call(journal)] == [2, 3]

    again = reopened(journal, path)
    again.begin_stage("task-001", "attempt-2")

    assert [call(again), call(again, "critic")] == [2, 2]
    assert again.tokens() == {"prompt": 60, "reply": 6, "total": 66, "calls": 6}
    again.begin_stage("task-001", "attempt-2")
    assert [call(again), call(again, "critic")] == [2, 2]
    assert again.tokens()["calls"] == 8
    again.close()


def test_an_interrupted_stage_of_one_task_does_not_touch_another(journal: Journal) -> None:
    for task in ("task-001", "task-002"):
        journal.begin_stage(task, "propose")
        call(journal, "curriculum", task)
    journal.begin_stage("task-001", "propose")

    assert journal.next_ordinal("curriculum", "task-001") == 1
    assert journal.next_ordinal("curriculum", "task-002") == 2


def test_the_model_that_answered_last_is_known(journal: Journal) -> None:
    call(journal, model="first")
    call(journal, model="second")
    call(journal, "critic", model="third")

    assert journal.model_of("action", "task-001") == "second"
    assert journal.model_of("describer", "task-001") == ""


# -- figures -------------------------------------------------------------------------


def test_medians_are_taken_over_the_attempts_that_had_the_phase(journal: Journal) -> None:
    for number, run in enumerate((1.0, 3.0, 8.0), 1):
        phases = {"run": run} if number < 3 else {"run": run, "practice": 7.0}
        journal.finish("task-001", an_attempt(number, phases=phases))
    journal.add_phases("task-001", {"propose": 2.0, "run": 100.0})
    journal.add_phases("task-001", {"propose": 4.0})

    assert journal.phase_medians() == {"practice": 7.0, "propose": 6.0, "run": median([1.0, 3.0, 8.0, 100.0])}


def test_overhead_is_what_is_neither_reply_nor_run_nor_settling(journal: Journal) -> None:
    free = {"model": 1.0, "run": 0.5, "settle": 0.25}
    journal.finish("task-001", an_attempt(1, seconds=2.0, phases={**free, "workspace": 0.2, "check": 0.01}))
    journal.finish("task-001", an_attempt(2, seconds=0.125, phases={"workspace": 0.1}))
    journal.finish("task-002", an_attempt(1, seconds=10.0, phases={"model": 9.5}))
    journal.add_phases("task-001", {"model": 1_000.0})

    assert journal.overhead() == pytest.approx(median([0.25, 0.125, 0.5]))


def test_replayed_replies_are_added_up_over_sessions(journal: Journal, path: Path) -> None:
    journal.replayed(10, 1)
    again = reopened(journal, path)
    again.replayed(5, 0)

    assert again.replay() == {"replies": 15, "mismatches": 1}
    again.close()


def test_notes_and_lessons_keep_the_latest(journal: Journal) -> None:
    journal.note("stopped_because", "running")
    journal.note("stopped_because", "finished")
    journal.learn_lesson(Lesson("task-002", "scale", "later"))
    journal.learn_lesson(Lesson("task-001", "scale", "first"))
    journal.learn_lesson(Lesson("task-001", "scale", "second"))

    assert journal.noted("stopped_because") == "finished"
    assert journal.lessons() == (("task-001", "scale", "second"), ("task-002", "scale", "later"))


# -- the file ------------------------------------------------------------------------


def test_a_second_connection_reads_while_the_first_writes(journal: Journal, path: Path) -> None:
    reader = Journal(path)
    journal.accept(a_task(), 1)
    journal.finish("task-001", an_attempt(1))

    assert [record.attempts for record in reader.tasks()] == [1]
    reader.note("seen", "yes")
    assert journal.noted("seen") == "yes"
    reader.close()


def test_threads_may_share_a_journal(journal: Journal) -> None:
    def work(number: int) -> None:
        task = f"task-{number:03d}"
        journal.accept(a_task(id=task), number)
        journal.begin_stage(task, "attempt-1")
        assert [call(journal, task=task) for _ in range(5)] == [1, 2, 3, 4, 5]
        journal.finish(task, an_attempt(1))
        journal.end(task, TaskState.COMPLETED, skill=f"skill_{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(1, 17)))

    assert [record.round for record in journal.tasks()] == list(range(1, 17))
    assert {record.state for record in journal.tasks()} == {TaskState.COMPLETED}
    assert all(record.attempts == 1 for record in journal.tasks())
    assert journal.tokens()["calls"] == 80


@pytest.mark.parametrize("content", [b"This is no database. " * 100, b"SQLite format 3\x00" + b"x" * 4_000])
def test_a_file_that_is_no_journal_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(UsageError, match=r"journal\.sqlite3 cannot be opened.*is it a campaign's folder"):
        Journal(path)

    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        Journal(tmp_path / "missing" / "journal.sqlite3")


def test_a_database_of_something_else_is_an_error_of_ours(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE tasks (title TEXT)")
    db.close()

    with closing(Journal(path)) as journal, pytest.raises(UsageError, match=r"the journal .* cannot be read: no such"):
        journal.tasks()
