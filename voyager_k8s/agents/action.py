"""The action agent: writes a program for a task, and writes it again with what was learned from the last."""

from __future__ import annotations

from collections.abc import Sequence

from voyager_k8s.agents.contract import ALLOWED_MODULES, read_program
from voyager_k8s.agents.rendering import show_changes, show_events, show_execution, show_snapshot
from voyager_k8s.agents.replies import ask
from voyager_k8s.agents.templating import bind_arguments, render_prompt
from voyager_k8s.core.base import Model
from voyager_k8s.core.conversation import Message
from voyager_k8s.core.ports import ChatModel
from voyager_k8s.core.program import Execution, Program
from voyager_k8s.core.skill import Skill
from voyager_k8s.core.source import signature_line, summary
from voyager_k8s.core.task import BoundTask
from voyager_k8s.core.world import Change, Event, Snapshot

__all__ = ["ActionAgent", "Situation", "Tried"]

SNAPSHOT_BUDGET = 5_000
CHANGES_BUDGET = 3_000
EVENTS_BUDGET = 1_500
EXECUTION_BUDGET = 3_000
SKILLS_BUDGET = 8_000
"""Characters of a prompt, by section."""
NEAR = 2
"""Learned skills shown with their source; of the others the signature and the description are enough."""


class Tried(Model):
    """The attempt before this one, and why it was not enough."""

    program: Program
    execution: Execution
    changes: tuple[Change, ...]
    events: tuple[Event, ...]
    critique: str


class Situation(Model):
    """All that the action agent is told of a task besides the task itself."""

    snapshot: Snapshot
    """The workspace as the program will find it."""
    skills: tuple[Skill, ...] = ()
    """Learned skills that may help, nearest first."""
    names: frozenset[str] = frozenset()
    """Every skill in the library: what may be imported, and what no program may be called."""
    primitives: tuple[Skill, ...] = ()
    lessons: tuple[str, ...] = ()
    """What failed attempts at tasks like this one taught."""
    tried: Tried | None = None
    notes: str = ""
    """What is particular about the cluster."""


class ActionAgent:
    """Asks a model for a program of the contract's form.

    Args:
        model: answers for the role `action`.
        max_replies: replies asked for before one is given up; an unusable reply costs no attempt.
        seconds: that a program may take, which it is told.
    """

    def __init__(self, model: ChatModel, *, max_replies: int, seconds: float) -> None:
        self._model = model
        self._max_replies = max_replies
        self._seconds = seconds

    def write_program(self, task: BoundTask, situation: Situation) -> Program:
        """One program for the task, read and compiled but not run.

        Raises:
            ReplyError: none of the replies could be used.
            ModelError: the model does not answer.
        """
        prompt = (
            Message(author="system", text=self._system(situation)),
            Message(author="human", text=self._human(task, situation)),
        )

        def read(text: str) -> Program:
            program = read_program(text, skills=situation.names, taken=situation.names)
            bind_arguments(program.arguments, task.values)
            return program

        return ask(self._model, "action", task.id, prompt, read, tries=self._max_replies)

    def _system(self, situation: Situation) -> str:
        return render_prompt(
            "action_system",
            primitives=[summary(skill.source, skill.name) for skill in situation.primitives],
            modules=sorted(ALLOWED_MODULES),
            notes=situation.notes.strip(),
            seconds=f"{self._seconds:g}",
        )

    def _human(self, task: BoundTask, situation: Situation) -> str:
        tried = situation.tried
        return render_prompt(
            "action_human",
            task=task,
            snapshot=show_snapshot(situation.snapshot, SNAPSHOT_BUDGET),
            skills=_show_skills(situation.skills),
            lessons=situation.lessons,
            tried=tried,
            execution=show_execution(tried.execution, EXECUTION_BUDGET) if tried else "",
            changes=show_changes(tried.changes, CHANGES_BUDGET) if tried else "",
            events=show_events(tried.events, EVENTS_BUDGET) if tried else "",
        )


def _show_skills(skills: Sequence[Skill]) -> str:
    """Source of the nearest as far as it fits, signature and description of the others, in the order given."""
    shown, left = [], SKILLS_BUDGET
    for place, skill in enumerate(skills):
        block = f"```python\n# skills/{skill.name}.py\n{skill.source}```"
        if place >= NEAR or len(block) > left:
            block = f"{signature_line(skill.source, skill.name)}\n    {skill.card.description}"
        shown.append(block)
        left -= len(block)
    return "\n".join(shown)
