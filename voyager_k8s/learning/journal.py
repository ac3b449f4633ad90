"""The journal: one SQLite file that knows all a campaign has done, and where to go on.

An attempt is written whole when it is finished; a model call is written as it is answered, because it
was paid for. After a crash, the calls of a stage that did not finish are marked `cut`: they still count
as tokens, but their numbers are given out again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from pydantic import TypeAdapter

from voyager_k8s.core.conversation import ModelReply, ModelRequest
from voyager_k8s.core.program import Execution, Program
from voyager_k8s.core.progress import Completed, Failed
from voyager_k8s.core.task import Task
from voyager_k8s.core.verdict import Verdict
from voyager_k8s.core.world import Change, Event
from voyager_k8s.learning.database import Database
from voyager_k8s.learning.record import Attempt, TaskRecord, TaskState

__all__ = ["FREE_PHASES", "Journal", "Lesson"]

FREE_PHASES = ("model", "run", "settle")
"""Phases whose length is not ours: replies, the program's own run time, the cluster coming to rest."""

_CHANGES = TypeAdapter(tuple[Change, ...])
_EVENTS = TypeAdapter(tuple[Event, ...])


class Lesson(NamedTuple):
    """What failed attempts at a task taught."""

    task: str
    search_terms: str
    text: str


class Journal:
    """One campaign's memory. Safe to use from several threads.

    Args:
        path: the SQLite file, made where it is missing.

    Raises:
        UsageError: the file cannot be opened, or is no journal.
        InfrastructureError: the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, (Path(__file__).parent / "journal.sql").read_text())
        self._writing, self._rows = self._database.writing, self._database.rows
        self._stages: dict[str, str] = {}

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # -- the campaign ------------------------------------------------------

    def note(self, key: str, value: str) -> None:
        """Remember one fact about the campaign."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO campaign VALUES (?, ?)", (key, value))

    def noted(self, key: str) -> str:
        """What was noted last; empty where nothing was."""
        rows = self._rows("SELECT value FROM campaign WHERE key = ?", key)
        return str(rows[0][0]) if rows else ""

    def replayed(self, replies: int, mismatches: int) -> None:
        """Add to the count of replies taken from a cassette, and of those whose prompt differed."""
        before = self.replay()
        total = {"replies": before.get("replies", 0) + replies, "mismatches": before.get("mismatches", 0) + mismatches}
        self.note("replay", json.dumps(total))

    def replay(self) -> dict[str, int]:
        """`replies` and `mismatches`; empty where no cassette was played."""
        noted = self.noted("replay")
        return json.loads(noted) if noted else {}

    # -- tasks -------------------------------------------------------------

    def accept(self, task: Task, round_number: int) -> None:
        """A proposal has been set up and is attempted from here on."""
        with self._writing() as db:
            row = (
                task.id,
                round_number,
                TaskState.OPEN,
                task.model_dump_json(by_alias=True, exclude_unset=True),
                time.time(),
            )
            db.execute("INSERT INTO tasks (id, round, state, task, started) VALUES (?, ?, ?, ?, ?)", row)

    def reject(self, task_id: str, reason: str) -> None:
        """A proposal was sent back."""
        with self._writing() as db:
            db.execute("INSERT INTO rejections VALUES (?, ?)", (task_id, reason))

    def workspace_stem(self, task_id: str) -> str:
        """What the names of a task's workspaces begin with. A further proposal gets another, so that it never meets
        what the one before left behind."""
        ((rejected,),) = self._rows("SELECT count(*) FROM rejections WHERE task = ?", task_id)
        return f"{task_id}-p{int(str(rejected)) + 1}" if rejected else task_id

    def give_up_round(self, task_id: str, round_number: int, reason: str) -> None:
        """A round ends without a task that could be attempted."""
        with self._writing() as db:
            row = (task_id, round_number, TaskState.REJECTED, reason, time.time(), time.time())
            db.execute("INSERT INTO tasks (id, round, state, reason, started, ended) VALUES (?, ?, ?, ?, ?, ?)", row)

    def end(self, task_id: str, state: TaskState, *, skill: str = "", reason: str = "") -> None:
        """A task is over."""
        with self._writing() as db:
            db.execute(
                "UPDATE tasks SET state = ?, skill = ?, reason = ?, ended = ? WHERE id = ?",
                (state, skill, reason, time.time(), task_id),
            )

    def tasks(self) -> tuple[TaskRecord, ...]:
        """Every round so far, in order."""
        rows = self._rows(
            "SELECT id, round, state, task, reason, skill, (SELECT count(*) FROM attempts WHERE task = tasks.id) "
            "FROM tasks ORDER BY round"
        )
        return tuple(
            TaskRecord.model_validate(
                {
                    "id": id_,
                    "round": round_number,
                    "state": state,
                    "task": json.loads(str(task)) if task else None,
                    "reason": reason,
                    "skill": skill,
                    "attempts": attempts,
                }
            )
            for id_, round_number, state, task, reason, skill, attempts in rows
        )

    def completed_tasks(self) -> tuple[Completed, ...]:
        """What was done, in order."""
        done = (record for record in self.tasks() if record.state is TaskState.COMPLETED and record.task)
        return tuple(Completed(goal=one.task.goal, skill=one.skill, attempts=one.attempts) for one in done if one.task)

    def failed_tasks(self) -> tuple[Failed, ...]:
        """What was given up, in order; `unknown` is not among them."""
        given_up = (record for record in self.tasks() if record.state is TaskState.FAILED)
        return tuple(Failed(goal=one.task.goal, reason=one.reason) for one in given_up if one.task)

    # -- attempts ----------------------------------------------------------

    def finish(self, task_id: str, attempt: Attempt) -> None:
        """Write an attempt, whole."""
        key = (task_id, attempt.number)
        with self._writing() as db:
            db.execute(
                "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *key,
                    attempt.program.model_dump_json(),
                    _CHANGES.dump_json(attempt.changes).decode(),
                    _EVENTS.dump_json(attempt.events).decode(),
                    json.dumps(attempt.practised),
                    attempt.seconds,
                ),
            )
            execution, verdict = attempt.execution, attempt.verdict
            row = (*key, execution.ending, execution.seconds, execution.model_dump_json())
            db.execute("INSERT INTO executions VALUES (?, ?, ?, ?, ?)", row)
            db.execute("INSERT INTO verdicts VALUES (?, ?, ?, ?)", (*key, verdict.outcome, verdict.model_dump_json()))
            db.executemany(
                "INSERT INTO phases VALUES (?, ?, ?, ?)", [(*key, *phase) for phase in attempt.phases.items()]
            )

    def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        """A task's finished attempts, in order."""
        rows = self._rows(
            "SELECT number, program, execution, verdict, changes, events, practised, a.seconds FROM attempts a "
            "JOIN executions e ON e.task = a.task AND e.attempt = number "
            "JOIN verdicts v ON v.task = a.task AND v.attempt = number WHERE a.task = ? ORDER BY number",
            task_id,
        )
        return tuple(
            Attempt(
                number=int(str(number)),
                program=Program.model_validate_json(str(program)),
                execution=Execution.model_validate_json(str(execution)),
                verdict=Verdict.model_validate_json(str(verdict)),
                changes=_CHANGES.validate_json(str(changes)),
                events=_EVENTS.validate_json(str(events)),
                practised=tuple(json.loads(str(practised))),
                seconds=float(str(seconds)),
            )
            for number, program, execution, verdict, changes, events, practised, seconds in rows
        )

    def add_phases(self, task_id: str, phases: dict[str, float]) -> None:
        """Times that belong to a task but to none of its attempts."""
        with self._writing() as db:
            db.executemany("INSERT INTO phases VALUES (?, 0, ?, ?)", [(task_id, *phase) for phase in phases.items()])

    # -- lessons -----------------------------------------------------------

    def learn_lesson(self, lesson: Lesson) -> None:
        """Keep what a task's failed attempts taught; the latest stands."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO lessons VALUES (?, ?, ?)", lesson)

    def lessons(self) -> tuple[Lesson, ...]:
        """All lessons."""
        rows = self._rows("SELECT task, search_terms, text FROM lessons ORDER BY task")
        return tuple(Lesson(str(task), str(terms), str(text)) for task, terms, text in rows)

    # -- model calls -------------------------------------------------------

    def begin_stage(self, task_id: str, stage: str) -> None:
        """Calls for this task belong to this stage from here on. What an earlier, interrupted try at the
        same stage asked is cut: it stays paid for, and its numbers are given out again."""
        with self._writing() as db:
            db.execute("UPDATE model_calls SET cut = 1 WHERE task = ? AND stage = ?", (task_id, stage))
            if stage == "propose":
                db.execute("DELETE FROM rejections WHERE task = ?", (task_id,))
        self._stages[task_id] = stage

    def next_ordinal(self, role: str, task_id: str) -> int:
        """The number of the next question of a role at a task."""
        rows = self._rows("SELECT count(*) FROM model_calls WHERE role = ? AND task = ? AND cut = 0", role, task_id)
        return int(str(rows[0][0])) + 1

    def called(self, request: ModelRequest, reply: ModelReply, prompt_hash: str) -> None:
        """A question was answered."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO model_calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    request.task,
                    self._stages.get(request.task, ""),
                    request.role,
                    request.ordinal,
                    reply.model,
                    prompt_hash,
                    reply.prompt_tokens,
                    reply.reply_tokens,
                    reply.seconds,
                ),
            )

    def model_of(self, role: str, task_id: str) -> str:
        """The model that answered last for a role at a task; empty where none did."""
        rows = self._rows(
            "SELECT model FROM model_calls WHERE role = ? AND task = ? ORDER BY rowid DESC LIMIT 1", role, task_id
        )
        return str(rows[0][0]) if rows else ""

    # -- figures -----------------------------------------------------------

    def tokens(self) -> dict[str, int]:
        """What was paid for: prompt, reply and calls, calls that were cut included."""
        rows = self._rows(
            "SELECT coalesce(sum(prompt_tokens), 0), coalesce(sum(reply_tokens), 0), count(*) FROM model_calls"
        )
        prompt, reply, calls = (int(str(value)) for value in rows[0])
        return {"prompt": prompt, "reply": reply, "total": prompt + reply, "calls": calls}

    def phase_medians(self) -> dict[str, float]:
        """Median seconds by phase, over the attempts (or tasks) that had it."""
        seconds: dict[str, list[float]] = {}
        for phase, value in self._rows("SELECT phase, sum(seconds) FROM phases GROUP BY task, attempt, phase"):
            seconds.setdefault(str(phase), []).append(float(str(value)))
        return {phase: median(values) for phase, values in sorted(seconds.items())}

    def overhead(self) -> float | None:
        """Median seconds of an attempt that are neither replies, nor the program's run, nor settling."""
        rows = self._rows(
            "SELECT a.seconds - coalesce((SELECT sum(p.seconds) FROM phases p WHERE p.task = a.task "
            "AND p.attempt = a.number AND p.phase IN (?, ?, ?)), 0) FROM attempts a",
            *FREE_PHASES,
        )
        values: Sequence[float] = [float(str(row[0])) for row in rows]
        return median(values) if values else None
