"""Lessons: what failures taught, told again where a task is like the one that failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fakes import MemoryIndex
from tests.support.samples import a_bound_task, a_task, an_attempt
from voyager_k8s.core.verdict import Outcome
from voyager_k8s.learning.journal import Journal
from voyager_k8s.learning.lessons import LENGTH, Lessons
from voyager_k8s.learning.record import Attempt


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite3")
    yield opened
    opened.close()


def failed(critique: str, number: int = 1) -> Attempt:
    return an_attempt(number, outcome=Outcome.FAILURE, critique=critique)


def recalled(lessons: Lessons, terms: str) -> tuple[str, ...]:
    return lessons.recall(a_bound_task(search_terms=terms))


def test_nothing_was_learned_yet(journal: Journal) -> None:
    assert recalled(Lessons(journal, MemoryIndex()), "create a ConfigMap with data") == ()


def test_the_last_critique_is_told_at_a_task_like_it(journal: Journal) -> None:
    lessons = Lessons(journal, MemoryIndex())

    lessons.learn(a_task(), [failed("Quote numbers."), failed("Use  server-side\n apply.", 2), an_attempt(3)])

    assert recalled(lessons, "create a ConfigMap with some data") == (
        "(create a ConfigMap with data) Use server-side apply.",
    )
    assert recalled(lessons, "roll back a StatefulSet") == ()


def test_what_went_well_at_once_or_could_not_be_judged_teaches_nothing(journal: Journal) -> None:
    lessons = Lessons(journal, MemoryIndex())

    lessons.learn(a_task(), [an_attempt(1)])
    lessons.learn(a_task(id="task-002"), [])
    lessons.learn(a_task(id="task-003"), [an_attempt(1, outcome=Outcome.UNKNOWN, critique="Could not be judged.")])

    assert journal.lessons() == ()


def test_a_failure_before_an_attempt_that_could_not_be_judged_still_teaches(journal: Journal) -> None:
    lessons = Lessons(journal, MemoryIndex())

    lessons.learn(a_task(), [failed("Quote numbers."), an_attempt(2, outcome=Outcome.UNKNOWN, critique="Unclear.")])

    assert recalled(lessons, a_task().search_terms) == ("(create a ConfigMap with data) Quote numbers.",)


def test_a_lesson_is_short(journal: Journal) -> None:
    lessons = Lessons(journal, MemoryIndex())

    lessons.learn(a_task(), [failed("word " * 1_000)])

    (lesson,) = recalled(lessons, a_task().search_terms)
    assert len(lesson) < LENGTH + 120


def test_no_more_are_told_than_a_prompt_shows_nearest_first(journal: Journal) -> None:
    lessons = Lessons(journal, MemoryIndex(), most=2)
    for number, terms in enumerate(
        ("create a ConfigMap", "create a ConfigMap with data", "make a Secret with data"), 1
    ):
        lessons.learn(a_task(id=f"task-{number}", search_terms=terms), [failed(f"Lesson {number}.")])

    assert recalled(lessons, "create a ConfigMap with data") == (
        "(create a ConfigMap with data) Lesson 2.",
        "(create a ConfigMap) Lesson 1.",
    )


def test_lessons_outlive_the_session_and_their_index(journal: Journal) -> None:
    Lessons(journal, MemoryIndex()).learn(a_task(), [failed("Quote numbers.")])

    assert len(recalled(Lessons(journal, MemoryIndex()), a_task().search_terms)) == 1
