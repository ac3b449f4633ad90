"""What to learn next: proposed by a model, read from a list, or asked of a person.

All three hand out a `Task` of the same form. Whether it can be set up, and whether its checks mean
anything, is found out by the rollout, which sends a bad one back with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import Field, ValidationError

from voyager_k8s.agents.rendering import fit
from voyager_k8s.agents.replies import ask, parse_object, read_yaml
from voyager_k8s.agents.templating import bind_task, render_prompt
from voyager_k8s.core.base import Manifest, Model, one_line
from voyager_k8s.core.conversation import Message
from voyager_k8s.core.errors import ReplyError, TaskRejected, UsageError
from voyager_k8s.core.ports import ChatModel
from voyager_k8s.core.progress import Progress
from voyager_k8s.core.task import Check, Task, Values
from voyager_k8s.core.world import ClusterFacts

__all__ = ["Curriculum", "CurriculumAgent", "ManualCurriculum", "TaskFile", "TaskList", "Wanted", "duplicate_of"]

COMPLETED_BUDGET = 4_000
FAILED_BUDGET = 2_500
SKILLS_BUDGET = 6_000
"""Characters of a prompt, by section."""
GOAL_LENGTH = 240
"""Characters of a finished task's goal: enough to know it by; its skill's description says the rest."""


class Wanted(Model):
    """What a curriculum is told when it is asked for a task."""

    task_id: str
    round: int
    """From 1."""
    progress: Progress
    facts: ClusterFacts
    rejected: tuple[str, ...] = ()
    """Why this round's earlier proposals were sent back."""


class Curriculum(Protocol):
    """Proposes tasks."""

    @property
    def rounds(self) -> int | None:
        """How many tasks there are; None where there is no end."""

    def propose_next_task(self, wanted: Wanted) -> Task | None:
        """The next task; None where there is none any more.

        Raises:
            TaskRejected: what was proposed is no task; the message says why.
            ModelError: the model does not answer.
        """


class _Proposal(Model):
    """One task. Strings in goal, search_terms, setup and checks may use {{ parameter }} and {{ namespace }}."""

    reasoning: str = ""
    goal: str = Field(min_length=1)
    search_terms: str = Field(min_length=1)
    parameters: Values
    variants: list[Values] = Field(min_length=1)
    setup: list[Manifest] = []
    checks: list[Check] = Field(min_length=1)
    repeatable: bool = True


class CurriculumAgent:
    """Has a model propose the next task: new, within reach, and a step beyond what was done.

    Args:
        model: answers for the role `curriculum`.
        max_replies: replies asked for before a proposal is given up as unreadable.
    """

    rounds: int | None = None

    def __init__(self, model: ChatModel, *, max_replies: int) -> None:
        self._model = model
        self._max_replies = max_replies

    def propose_next_task(self, wanted: Wanted, wish: str = "") -> Task:
        """One task, readable and new.

        Args:
            wish: a person's own words for the goal; empty where the model is to choose.

        Raises:
            TaskRejected: no reply could be used, or the task was done already.
            ModelError: the model does not answer.
        """
        prompt = (
            Message(author="system", text=render_prompt("curriculum_system")),
            Message(author="human", text=self._human(wanted, wish)),
        )

        def read(text: str) -> Task:
            return _task(parse_object(text, _Proposal), wanted, allow_repeat=bool(wish))

        try:
            return ask(
                self._model, "curriculum", wanted.task_id, prompt, read, tries=self._max_replies, schema=_Proposal
            )
        except ReplyError as error:
            raise TaskRejected(str(error)) from error

    def _human(self, wanted: Wanted, wish: str) -> str:
        progress = wanted.progress
        return render_prompt(
            "curriculum_human",
            facts=wanted.facts,
            completed=fit(
                (f"- ({done.attempts}) {_short(done.goal)}" for done in reversed(progress.completed)),
                COMPLETED_BUDGET,
                "tasks",
            ),
            failed=fit(
                (f"- {task.goal}\n  {task.reason}" for task in reversed(progress.failed)), FAILED_BUDGET, "tasks"
            ),
            skills=fit((f"- {skill}" for skill in reversed(progress.skills)), SKILLS_BUDGET, "skills"),
            done=len(progress.completed),
            rejected=wanted.rejected,
            wish=wish,
        )


def _task(proposal: _Proposal, wanted: Wanted, *, allow_repeat: bool) -> Task:
    """The task of a proposal, or a ReplyError that says what is wrong with it."""
    try:
        task = Task.model_validate(
            {"id": wanted.task_id, **proposal.model_dump(by_alias=True, exclude={"reasoning"}, exclude_unset=True)}
        )
        for values in (task.parameters, *task.variants):
            bind_task(task, values, "any-namespace")
    except ValidationError as error:
        raise ReplyError(one_line(error)) from error
    except TaskRejected as error:
        raise ReplyError(str(error)) from error
    repeated = None if allow_repeat else duplicate_of(task.goal, wanted.progress)
    if repeated:
        raise ReplyError(f"this was done already ({repeated!r}): propose something new")
    return task


def _short(goal: str) -> str:
    return goal if len(goal) <= GOAL_LENGTH else goal[:GOAL_LENGTH].rsplit(" ", 1)[0] + " ..."


def duplicate_of(goal: str, progress: Progress) -> str | None:
    """The completed goal that says the same, whatever its parameters are called; None where it is new. Only filler
    words may differ: one word can make another task (a ConfigMap, a Secret)."""
    wanted = _words(goal)
    return next((done.goal for done in progress.completed if _words(done.goal) == wanted), None)


_FILLER = frozenset(
    {
        *(
            "a",
            "all",
            "an",
            "and",
            "any",
            "as",
            "at",
            "be",
            "been",
            "by",
            "for",
            "from",
            "has",
            "have",
            "in",
            "is",
            "it",
        ),
        *("its", "of", "on", "or", "so", "that", "the", "then", "there", "this", "to", "until", "was", "which", "with"),
    }
)


def _words(goal: str) -> tuple[frozenset[str], int]:
    """The words that matter, and how many places are left for values."""
    words, places = re.subn(r"\{\{.*?\}\}", " ", goal)
    return frozenset(re.findall(r"\w+", words.casefold())) - _FILLER, places


class TaskFile(Model):
    """`curricula/<name>.yaml`."""

    name: str
    description: str = ""
    tasks: tuple[Task, ...] = Field(min_length=1)


class TaskList:
    """Hands out a file's tasks in their order."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tuple(tasks)

    @classmethod
    def read(cls, path: Path) -> TaskList:
        """Read a curriculum file.

        Raises:
            UsageError: it cannot be read, is not YAML, or holds an unknown key or a task that is none.
        """
        try:
            tasks = TaskFile.model_validate(read_yaml(path, "curriculum")).tasks
        except ValidationError as error:
            raise UsageError(f"the curriculum {path}: {one_line(error)}") from error
        return cls(tasks)

    @property
    def rounds(self) -> int | None:
        """The number of tasks in the file."""
        return len(self._tasks)

    def propose_next_task(self, wanted: Wanted) -> Task | None:
        """The round's task; None when the list is at its end.

        Raises:
            TaskRejected: a template in it fails, or it was done already.
        """
        if wanted.round > len(self._tasks):
            return None
        task = self._tasks[wanted.round - 1].model_copy(update={"id": wanted.task_id})
        for values in (task.parameters, *task.variants):
            bind_task(task, values, "any-namespace")
        repeated = duplicate_of(task.goal, wanted.progress)
        if repeated:
            raise TaskRejected(f"this was done already ({repeated!r})")
        return task


class ManualCurriculum:
    """Asks a person for the goal, and the curriculum agent for what makes it a task.

    Args:
        agent: writes parameters, set-up and checks for a goal.
        ask_person: called with a prompt; returns the goal, empty to stop.
    """

    rounds: int | None = None

    def __init__(self, agent: CurriculumAgent, ask_person: Callable[[str], str]) -> None:
        self._agent = agent
        self._ask_person = ask_person

    def propose_next_task(self, wanted: Wanted) -> Task | None:
        """The person's goal as a task; None where they give none.

        Raises:
            TaskRejected: the model could not make a task of it.
            ModelError: the model does not answer.
        """
        refused = f"That cannot be used: {wanted.rejected[-1]}\n" if wanted.rejected else ""
        goal = self._ask_person(f"{refused}What should be learned next? (empty line to stop) ").strip()
        return self._agent.propose_next_task(wanted, wish=goal) if goal else None
