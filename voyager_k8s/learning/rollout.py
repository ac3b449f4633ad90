"""A rollout: the attempts at one task.

Each attempt starts from the task's set-up in a fresh workspace, so that a program that is kept has done
the whole task and not the rest of it. An attempt that fails hands its program and the critique to the
next one; one that succeeds is practised before it counts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter

from voyager_k8s.agents.action import ActionAgent, Situation, Tried
from voyager_k8s.agents.critic import CriticAgent, Evidence
from voyager_k8s.agents.skill import SkillManager
from voyager_k8s.core.changes import changes_between, events_since
from voyager_k8s.core.errors import ReplyError, TaskRejected
from voyager_k8s.core.progress import Listener, Notice
from voyager_k8s.core.skill import Provenance, Skill, Verification
from voyager_k8s.core.task import BoundTask, Task
from voyager_k8s.core.verdict import Outcome, Verdict
from voyager_k8s.core.world import Observation, Snapshot
from voyager_k8s.learning.artefacts import Artefacts
from voyager_k8s.learning.calls import JournaledModel
from voyager_k8s.learning.journal import Journal
from voyager_k8s.learning.lessons import Lessons
from voyager_k8s.learning.practice import Practice, Practised
from voyager_k8s.learning.record import Attempt, Phases, TaskState
from voyager_k8s.learning.trial import Bench, Trial

__all__ = ["Interrupted", "Rollout"]


class Interrupted(Exception):
    """A person asked the campaign to stop; everything finished is saved."""


class Rollout:
    """Attempts tasks, one at a time.

    Args:
        max_attempts: programs written for one task.
        campaign: its name, for provenance.
        notes: what is particular about the cluster, for the action agent.
    """

    def __init__(
        self,
        *,
        bench: Bench,
        action: ActionAgent,
        critic: CriticAgent,
        skills: SkillManager,
        practice: Practice,
        lessons: Lessons,
        journal: Journal,
        artefacts: Artefacts,
        calls: JournaledModel,
        listener: Listener,
        max_attempts: int,
        campaign: str,
        notes: str,
    ) -> None:
        self._bench = bench
        self._action = action
        self._critic = critic
        self._skills = skills
        self._practice = practice
        self._lessons = lessons
        self._journal = journal
        self._artefacts = artefacts
        self._calls = calls
        self._listener = listener
        self._max_attempts = max_attempts
        self._campaign = campaign
        self._notes = notes
        self.stopping = False
        """Set from another thread or a signal handler: the rollout ends after the attempt under way."""

    def run(self, task: Task, round_number: int) -> TaskState:
        """Attempt a task until a program is worth keeping, or the attempts are used up. A task that the
        journal knows goes on after its last finished attempt.

        Raises:
            TaskRejected: the task cannot be set up, or its checks say nothing; nothing was attempted.
            Interrupted: `stopping` was set.
            InfrastructureError: the world failed; nothing finished is lost.
        """
        attempts = list(self._journal.attempts(task.id))
        accepted = any(record.id == task.id for record in self._journal.tasks())
        try:
            while len(attempts) < self._max_attempts and not (attempts and attempts[-1].succeeded):
                if self.stopping:
                    raise Interrupted
                attempts.append(self._attempt(task, attempts, None if accepted else round_number))
                accepted = True
        except TaskRejected as error:
            if not accepted:
                raise
            return self._end(task, attempts, TaskState.UNKNOWN, f"its set-up is refused now: {error}")
        except ReplyError as error:
            reason = f"the action agent wrote no program that could be run: {error}"
            return self._end(task, attempts, TaskState.FAILED, reason)
        return self._end(task, attempts, *_outcome(attempts[-1]))

    # -- one attempt -------------------------------------------------------

    def _attempt(self, task: Task, earlier: list[Attempt], accept_as: int | None) -> Attempt:
        """One attempt, journaled.

        Args:
            accept_as: the round's number where the task is still to be accepted.
        """
        began, number, phases = perf_counter(), len(earlier) + 1, Phases()
        self._calls.phases[task.id] = phases
        name = f"{self._journal.workspace_stem(task.id)}-{number}"
        with self._bench.trial(task, task.parameters, name, phases) as trial:
            with phases.measure("snapshot"):
                before = trial.workspace.observe()
            if accept_as is not None:
                trial.require_undone()
                self._accept(task, accept_as, phases)
            self._journal.begin_stage(task.id, f"attempt-{number}")
            self._say("attempt", f"{task.id}: attempt {number}")
            attempt = self._judge(trial, before, self._last(earlier), number, phases)
        if attempt.succeeded:
            attempt = self._practised(attempt, task, practice_name(trial.workspace.namespace), phases)
        with phases.measure("journal"):
            self._artefacts.attempt(task.id, attempt)
        attempt = attempt.model_copy(update={"seconds": perf_counter() - began, "phases": phases.seconds})
        self._journal.finish(task.id, attempt)
        self._say("attempt", _told(task.id, attempt))
        return attempt

    def _accept(self, task: Task, round_number: int, phases: Phases) -> None:
        """Write the task into the journal: it is attempted from here on."""
        with phases.measure("journal"):
            self._journal.accept(task, round_number)
            self._artefacts.task(task)

    def _judge(self, trial: Trial, before: Observation, tried: Tried | None, number: int, phases: Phases) -> Attempt:
        """Have a program written, run it, and judge what became of the world."""
        task, workspace = trial.task, trial.workspace
        with phases.measure("retrieve"):
            situation = self._situation(task, before.snapshot, tried)
        with phases.measure("write"):
            program = self._action.write_program(task, situation)
        execution = trial.run(program)
        if execution.ok:
            self._bench.cluster.prepare(practice_name(workspace.namespace))
        settled = trial.settle()
        with phases.measure("snapshot"):
            after = workspace.observe()
            changes = changes_between(before.snapshot, after.snapshot)
            events = events_since(before.events, after.events)
        with phases.measure("check"):
            checks = workspace.check(task.checks, execution.result)
        execution = execution.told(workspace.stable)
        evidence = Evidence(
            execution=execution,
            checks=checks,
            changes=changes,
            before=before.snapshot,
            events=events,
            settled=settled,
            notes=self._notes,
        )
        with phases.measure("judge"):
            verdict = self._critic.check_task_success(task, evidence)
        return Attempt(
            number=number, program=program, execution=execution, verdict=verdict, changes=changes, events=events
        )

    def _situation(self, task: BoundTask, snapshot: Snapshot, tried: Tried | None) -> Situation:
        return Situation(
            snapshot=snapshot,
            skills=self._skills.retrieve(task, tried.critique if tried else ""),
            names=frozenset(self._skills.store.names()),
            primitives=self._skills.primitives(),
            lessons=self._lessons.recall(task),
            tried=tried,
            notes=self._notes,
        )

    def _last(self, earlier: list[Attempt]) -> Tried | None:
        if not earlier:
            return None
        last = earlier[-1]
        return Tried(
            program=last.program,
            execution=last.execution,
            changes=last.changes,
            events=last.events,
            critique=last.verdict.critique,
        )

    def _practised(self, attempt: Attempt, task: Task, name: str, phases: Phases) -> Attempt:
        """The attempt with what practice showed; a failure there is the attempt's."""
        with phases.measure("practice"):
            practised: Practised = self._practice.run(attempt.program, task, name, phases)
        verdict = attempt.verdict
        if practised.critique:
            verdict = verdict.model_copy(update={"outcome": Outcome.FAILURE, "critique": practised.critique})
        return attempt.model_copy(update={"verdict": verdict, "practised": practised.shown})

    # -- the end -----------------------------------------------------------

    def _end(self, task: Task, attempts: list[Attempt], state: TaskState, reason: str) -> TaskState:
        """Keep a skill or a lesson, and close the task."""
        phases, name = Phases(), ""
        self._calls.phases[task.id] = phases
        if state is TaskState.COMPLETED:
            self._journal.begin_stage(task.id, "keep")
            with phases.measure("keep"):
                name = self._keep(task, attempts).name
        self._lessons.learn(task, attempts)
        self._journal.add_phases(task.id, phases.seconds)
        self._journal.end(task.id, state, skill=name, reason=reason)
        self._say("task", f"{task.id}: {state}" + (f", learned {name}" if name else f": {_first_line(reason)}"))
        return state

    def _keep(self, task: Task, attempts: list[Attempt]) -> Skill:
        last = attempts[-1]
        provenance = Provenance(
            campaign=self._campaign,
            task=task.id,
            goal=task.goal,
            model=self._journal.model_of("action", task.id),
            attempts=len(attempts),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        checks = tuple(check.text for check in last.verdict.checks)
        verification = Verification(checks=checks, practised=last.practised)
        return self._skills.add_new_skill(last.program, task, provenance, verification)

    def _say(self, kind: str, text: str) -> None:
        self._listener(Notice.model_validate({"kind": kind, "text": text}))


def _outcome(last: Attempt) -> tuple[TaskState, str]:
    """What a task came to with its last attempt, and why."""
    if last.succeeded:
        return TaskState.COMPLETED, ""
    unknown = last.verdict.outcome is Outcome.UNKNOWN
    return TaskState.UNKNOWN if unknown else TaskState.FAILED, last.verdict.critique


def practice_name(workspace: str) -> str:
    """The workspace in which a program is practised that succeeded in this one."""
    return f"{workspace}-practice"


def _told(task_id: str, attempt: Attempt) -> str:
    said: Verdict = attempt.verdict
    why = "" if attempt.succeeded else f": {_first_line(said.critique)}"
    return f"{task_id}: attempt {attempt.number}: {said.outcome}{why}"


def _first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:157] + "..."
