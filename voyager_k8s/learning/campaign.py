"""A campaign: propose, attempt, keep, again; until it has done its rounds or is stopped.

It may be killed at any moment: everything it needs to go on is in the journal, and `learn` goes on there.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from voyager_k8s.agents.curriculum import Curriculum, Wanted
from voyager_k8s.agents.skill import SkillManager
from voyager_k8s.agents.templating import bind_task
from voyager_k8s.core.errors import InfrastructureError, TaskRejected, VoyagerError
from voyager_k8s.core.ports import Cluster
from voyager_k8s.core.progress import Listener, Notice, Progress
from voyager_k8s.core.skill import Skill
from voyager_k8s.core.task import Task
from voyager_k8s.core.world import ClusterFacts
from voyager_k8s.learning.calls import JournaledModel
from voyager_k8s.learning.journal import Journal
from voyager_k8s.learning.record import Phases, TaskRecord, TaskState
from voyager_k8s.learning.rollout import Interrupted

__all__ = ["Campaign", "Rollouts"]


class Rollouts(Protocol):
    """What attempts tasks; see `learning.rollout.Rollout`."""

    stopping: bool

    def run(self, task: Task, round_number: int) -> TaskState:
        """Attempt a task to its end."""


class Campaign:
    """One training run.

    Args:
        iterations: rounds of the curriculum to take on, those of an earlier session included.
        max_proposals: tasks proposed in one round before it is given up.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        curriculum: Curriculum,
        rollout: Rollouts,
        skills: SkillManager,
        journal: Journal,
        calls: JournaledModel,
        listener: Listener,
        iterations: int,
        max_proposals: int,
    ) -> None:
        self._cluster = cluster
        self._curriculum = curriculum
        self._rollout = rollout
        self._skills = skills
        self._journal = journal
        self._calls = calls
        self._listener = listener
        self._rounds = min(iterations, curriculum.rounds or iterations)
        self._max_proposals = max_proposals
        self._stopping = False

    def stop(self) -> None:
        """Ask for the end after the attempt under way; safe in a signal handler."""
        self._stopping = self._rollout.stopping = True

    def learn(self) -> str:
        """Learn until the rounds are done.

        Returns:
            Why it stopped: `finished`, `interrupted`, or `stopped by hand` (a person had no further task).

        Raises:
            InfrastructureError: the world failed; the campaign is saved and can be resumed.
            VoyagerError: so did something else that a person can mend, such as a library that contradicts itself.
        """
        self._journal.note("stopped_because", "running")
        try:
            reason = self._learn()
        except VoyagerError as error:
            with suppress(InfrastructureError):  # a full disk takes no note of itself
                self._journal.note("stopped_because", f"paused: {error}")
            raise
        except Interrupted:
            reason = "interrupted"
        except KeyboardInterrupt:
            self._journal.note("stopped_because", "interrupted")
            raise
        self._journal.note("stopped_because", reason)
        return reason

    def _learn(self) -> str:
        facts = self._cluster.facts()
        self._cluster.prepare(first_workspace(len(self._journal.tasks()) + 1))
        records = self._journal.tasks()
        if records and records[-1].state is TaskState.OPEN:
            self._resume(records[-1])
        for number in range(len(self._journal.tasks()) + 1, self._rounds + 1):
            if self._stopping:
                return "interrupted"
            if not self._round(number, facts):
                return "stopped by hand"
        return "finished"

    def _resume(self, record: TaskRecord) -> None:
        """Go on with a task that was under way."""
        if record.task is None:
            return
        self._say(f"{record.id}: going on after {record.attempts} finished attempts")
        self._rollout.run(record.task, record.round)

    def _round(self, number: int, facts: ClusterFacts) -> bool:
        """Propose until a task is accepted and attempted; False where there is nothing to propose."""
        task_id = task_name(number)
        self._journal.begin_stage(task_id, "propose")
        rejected: list[str] = []
        proposals = self._max_proposals if self._curriculum.rounds is None else 1  # a list has nothing in its place
        for _ in range(proposals):
            wanted = Wanted(
                task_id=task_id, round=number, progress=self._progress(), facts=facts, rejected=tuple(rejected)
            )
            if self._stopping:
                raise Interrupted
            try:
                task = self._propose(wanted)
                if task is None:
                    return False
                if number < self._rounds:
                    self._cluster.prepare(first_workspace(number + 1))
                self._rollout.run(task, number)
                return True
            except TaskRejected as error:
                rejected.append(str(error))
                self._journal.reject(task_id, str(error))
                self._say(f"{task_id}: proposal sent back: {error}")
        self._journal.give_up_round(task_id, number, rejected[-1])
        self._say(f"{task_id}: no task, every proposal was sent back")
        return True

    def _propose(self, wanted: Wanted) -> Task | None:
        phases = self._calls.phases[wanted.task_id] = Phases()
        try:
            with phases.measure("propose"):
                task = self._curriculum.propose_next_task(wanted)
        finally:
            self._journal.add_phases(wanted.task_id, phases.seconds)
        if task:
            goal = bind_task(task, task.parameters, f"{task.id}-1").goal
            self._say(f"{task.id} of {self._rounds}: {goal}")
        return task

    def _progress(self) -> Progress:
        return Progress(
            completed=self._journal.completed_tasks(),
            failed=self._journal.failed_tasks(),
            skills=tuple(skill.text for skill in sorted(self._skills.learned(), key=_when_learned)),
        )

    def _say(self, text: str) -> None:
        self._listener(Notice(kind="task", text=text))


def task_name(number: int) -> str:
    """The id of a round's task."""
    return f"task-{number:03d}"


def first_workspace(number: int) -> str:
    """The workspace of the first attempt at a round's task: known, and made, before the task is."""
    return f"{task_name(number)}-1"


def _when_learned(skill: Skill) -> tuple[str, str]:
    return skill.card.provenance.created, skill.card.provenance.task
