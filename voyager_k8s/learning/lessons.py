"""Lessons: what a task's failed attempts taught, recalled for later tasks like it.

A lesson is the critique that an attempt drew, under the task's search terms; it is found by their
meaning. Only near ones are shown, because a lesson about something else costs more than it helps.
"""

from __future__ import annotations

from collections.abc import Sequence

from voyager_k8s.agents.rendering import shorten
from voyager_k8s.core.ports import SkillIndex
from voyager_k8s.core.task import BoundTask, Task
from voyager_k8s.core.verdict import Outcome
from voyager_k8s.learning.journal import Journal, Lesson
from voyager_k8s.learning.record import Attempt

__all__ = ["Lessons"]

NEAR = 0.45
"""Cosine distance up to which a lesson is about a task like this one: wordllama puts restatements of one
task below it, and tasks of other kinds above."""
LENGTH = 500
"""Characters of one lesson."""


class Lessons:
    """The lessons of one campaign.

    Args:
        journal: where they are kept.
        index: finds them by meaning; holds nothing but lessons.
        most: how many a prompt shows.
    """

    def __init__(self, journal: Journal, index: SkillIndex, *, most: int = 3) -> None:
        self._journal = journal
        self._index = index
        self._most = most
        self._refresh()

    def recall(self, task: BoundTask) -> tuple[str, ...]:
        """What failed attempts at tasks like this one taught, nearest first."""
        texts = {lesson.task: lesson.text for lesson in self._journal.lessons()}
        if not texts:
            return ()
        near = [hit for hit in self._index.query(task.search_terms, self._most) if hit.distance <= NEAR]
        return tuple(texts[hit.name] for hit in near if hit.name in texts)

    def learn(self, task: Task, attempts: Sequence[Attempt]) -> None:
        """Keep what the failed ones among a task's attempts taught."""
        verdicts = (attempt.verdict for attempt in attempts)
        critiques = [one.critique for one in verdicts if one.outcome is Outcome.FAILURE and one.critique]
        if not critiques:
            return
        text = shorten(" ".join(critiques[-1].split()), LENGTH)
        self._journal.learn_lesson(Lesson(task.id, task.search_terms, f"({task.search_terms}) {text}"))
        self._refresh()

    def _refresh(self) -> None:
        self._index.sync({lesson.task: lesson.search_terms for lesson in self._journal.lessons()})
