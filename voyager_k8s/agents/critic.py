"""The critic: says whether a task was done, from what the cluster became.

Two judges must agree. The checks were written before any program was seen and are evaluated by machine;
then a model looks at the changes for what no check thought of. A judge that cannot tell makes the verdict
`unknown`, which is never failure.
"""

from __future__ import annotations

from collections.abc import Sequence

from voyager_k8s.agents.rendering import show_changes, show_checks, show_events, show_execution, show_unchanged
from voyager_k8s.agents.replies import ask, parse_object
from voyager_k8s.agents.templating import render_prompt
from voyager_k8s.core.base import Model
from voyager_k8s.core.conversation import Message
from voyager_k8s.core.errors import ReplyError
from voyager_k8s.core.ports import ChatModel
from voyager_k8s.core.program import Execution
from voyager_k8s.core.task import BoundTask
from voyager_k8s.core.verdict import CheckResult, Outcome, Verdict
from voyager_k8s.core.world import Change, Event, Settled, Snapshot

__all__ = ["CriticAgent", "Evidence"]

CHANGES_BUDGET = 5_000
UNCHANGED_BUDGET = 1_000
EVENTS_BUDGET = 1_500
EXECUTION_BUDGET = 2_000
"""Characters of a prompt, by section."""


class Evidence(Model):
    """What an attempt left behind for the critic to look at."""

    execution: Execution
    checks: tuple[CheckResult, ...]
    changes: tuple[Change, ...]
    before: Snapshot
    """The workspace as the program found it."""
    events: tuple[Event, ...]
    settled: Settled
    notes: str = ""
    """What is particular about the cluster."""


class _Opinion(Model):
    """The model's reply."""

    reasoning: str
    outcome: Outcome
    critique: str = ""


class CriticAgent:
    """Weighs the checks and a model's opinion.

    Args:
        model: answers for the role `critic`.
        max_replies: replies asked for before the verdict is `unknown`.
    """

    def __init__(self, model: ChatModel, *, max_replies: int) -> None:
        self._model = model
        self._max_replies = max_replies

    def check_task_success(self, task: BoundTask, evidence: Evidence) -> Verdict:
        """Judge one attempt. A program that did not return has failed without a question: its own error
        is the best critique there is.

        Raises:
            ModelError: the model does not answer.
        """
        if not evidence.execution.ok:
            return self._did_not_return(evidence)
        try:
            opinion = self._opinion(task, evidence)
        except ReplyError as error:
            opinion = _Opinion(reasoning=f"the critic's replies could not be read: {error}", outcome=Outcome.UNKNOWN)
        outcome = combine(evidence.checks, opinion.outcome)
        return Verdict(
            outcome=outcome,
            critique="" if outcome is Outcome.SUCCESS else _critique(evidence.checks, opinion.critique, outcome),
            reasoning=opinion.reasoning,
            checks=evidence.checks,
        )

    def _did_not_return(self, evidence: Evidence) -> Verdict:
        said = show_execution(evidence.execution, EXECUTION_BUDGET)
        return Verdict(
            outcome=Outcome.FAILURE,
            critique=_critique(evidence.checks, f"The program did not finish. {said}", Outcome.FAILURE),
            reasoning="the program did not return",
            checks=evidence.checks,
        )

    def _opinion(self, task: BoundTask, evidence: Evidence) -> _Opinion:
        human = render_prompt(
            "critic_human",
            task=task,
            checks=show_checks(evidence.checks),
            changes=show_changes(evidence.changes, CHANGES_BUDGET),
            unchanged=show_unchanged(evidence.before, evidence.changes, UNCHANGED_BUDGET),
            events=show_events(evidence.events, EVENTS_BUDGET),
            execution=show_execution(evidence.execution, EXECUTION_BUDGET),
            calm=evidence.settled.calm,
            notes=evidence.notes.strip(),
        )
        prompt = (
            Message(author="system", text=render_prompt("critic_system")),
            Message(author="human", text=human),
        )
        return ask(
            self._model,
            "critic",
            task.id,
            prompt,
            lambda text: parse_object(text, _Opinion),
            tries=self._max_replies,
            schema=_Opinion,
        )


def combine(checks: Sequence[CheckResult], opinion: Outcome) -> Outcome:
    """Success takes both judges; one check that fails is failure; what could not be judged is unknown."""
    if any(check.holds is False for check in checks):
        return Outcome.FAILURE
    if opinion is Outcome.FAILURE:
        return Outcome.FAILURE
    if opinion is Outcome.UNKNOWN or any(check.holds is None for check in checks):
        return Outcome.UNKNOWN
    return Outcome.SUCCESS


def _critique(checks: Sequence[CheckResult], opinion: str, outcome: Outcome) -> str:
    failing = [check for check in checks if check.holds is False]
    unknown = [check for check in checks if check.holds is None]
    parts = [opinion.strip()]
    if failing:
        parts.append(f"Checks that do not hold:\n{show_checks(failing)}")
    if unknown:
        parts.append(f"Checks that could not be evaluated:\n{show_checks(unknown)}")
    reached = "is not reached" if outcome is Outcome.FAILURE else "may be reached; that could not be judged"
    return "\n".join(part for part in parts if part) or f"The goal {reached}."
