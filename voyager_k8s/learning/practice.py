"""Practice: what a success must survive to become a skill.

A program that worked once may know the answer by heart. So it runs again, in a fresh workspace, with the
task's other values (is it general?), and then once more in the same place (is it idempotent?). What it
fails at goes back to the action agent as a critique.
"""

from __future__ import annotations

from pydantic import JsonValue

from voyager_k8s.agents.rendering import show_checks, show_execution
from voyager_k8s.core.base import Model
from voyager_k8s.core.errors import ReplyError, TaskRejected
from voyager_k8s.core.program import Execution, Program
from voyager_k8s.core.task import Task
from voyager_k8s.learning.record import Phases
from voyager_k8s.learning.trial import Bench, Trial

__all__ = ["Practice", "Practised"]

ERROR_BUDGET = 1_500
"""Characters of an execution shown in a critique."""


class Practised(Model):
    """What practice showed."""

    shown: tuple[str, ...] = ()
    """`general`, `idempotent`."""
    critique: str = ""
    """What it failed at; empty where it failed at nothing."""


class Practice:
    """Runs a program on a task's other values.

    Args:
        bench: where programs are tried.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def run(self, program: Program, task: Task, name: str, phases: Phases) -> Practised:
        """Practise a program that succeeded.

        Args:
            name: of the workspace.
            phases: where the time goes.

        Raises:
            InfrastructureError: the cluster or the sandbox fails.
        """
        try:
            with self._bench.trial(task, task.variants[0], name, phases) as trial:
                trial.require_undone()
                return self._practise(program, task, trial, phases)
        except ReplyError as error:
            return Practised(critique=f"It did this task, but it is not general: {error}")
        except TaskRejected:
            return Practised()  # the other values prove nothing here: nobody's failure, and nothing is shown

    def _practise(self, program: Program, task: Task, trial: Trial, phases: Phases) -> Practised:
        first = trial.run(program)
        wrong = self._wrong(trial, first, first.result, phases)
        if wrong is None:
            return Practised()
        if wrong:
            values = ", ".join(f"{name} = {value!r}" for name, value in trial.task.values.items())
            return Practised(critique=f"It did this task, but it is not general: with other values ({values}) {wrong}")
        if not task.repeatable:
            return Practised(shown=("general",))
        second = trial.run(program)
        # A second call may well answer otherwise ("nothing to do"): the first's answer counts.
        wrong = self._wrong(trial, second, first.result, phases)
        if wrong:
            said = "It did this task, but it is not idempotent: run a second time, with everything done already, "
            return Practised(shown=("general",), critique=said + wrong)
        return Practised(shown=("general",) if wrong is None else ("general", "idempotent"))

    def _wrong(self, trial: Trial, execution: Execution, answer: JsonValue, phases: Phases) -> str | None:
        """What is wrong after a run, in words; empty where nothing is, None where it cannot be told."""
        trial.settle()
        if not execution.ok:
            trial.workspace.observe()  # so that the words name things as prompts do
            return show_execution(execution.told(trial.workspace.stable), ERROR_BUDGET)
        with phases.measure("check"):
            results = trial.workspace.check(trial.task.checks, answer)
        failing = [result for result in results if result.holds is False]
        if failing:
            return f"these checks do not hold:\n{show_checks(failing)}"
        return None if any(result.holds is None for result in results) else ""
