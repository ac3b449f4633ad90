"""One run of a program on one set of values: what a rollout and practice have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from voyager_k8s.agents.templating import bind_arguments, bind_task
from voyager_k8s.core.errors import TaskRejected
from voyager_k8s.core.ports import Cluster, Sandbox, SkillStore, Workspace
from voyager_k8s.core.program import Execution, Program
from voyager_k8s.core.task import BoundTask, Task, Values
from voyager_k8s.core.verdict import CheckResult
from voyager_k8s.core.world import Settled
from voyager_k8s.learning.record import Phases

__all__ = ["Bench", "Trial", "require_undone"]


class Bench:
    """Where programs are tried: a cluster, a sandbox, and the skills they may import."""

    def __init__(self, cluster: Cluster, sandbox: Sandbox, store: SkillStore) -> None:
        self.cluster = cluster
        self._sandbox = sandbox
        self._store = store

    @contextmanager
    def trial(self, task: Task, values: Values, name: str, phases: Phases) -> Iterator[Trial]:
        """A fresh workspace with the task's set-up in it, at rest.

        Raises:
            TaskRejected: the set-up is refused, or a check could never be evaluated.
            ClusterError: the cluster fails.
        """
        with phases.measure("workspace"):
            workspace = self.cluster.workspace(name)
        try:
            bound = bind_task(task, values, workspace.namespace)
            with phases.measure("check"):
                workspace.validate(bound.checks)
            trial = Trial(bound, workspace, self._sandbox, self._store, phases)
            trial.set_up()
            yield trial
        finally:
            with phases.measure("workspace"):
                workspace.close()


class Trial:
    """A bound task in its workspace."""

    def __init__(
        self, task: BoundTask, workspace: Workspace, sandbox: Sandbox, store: SkillStore, phases: Phases
    ) -> None:
        self.task = task
        self.workspace = workspace
        self._sandbox = sandbox
        self._store = store
        self._phases = phases

    def set_up(self) -> None:
        """Apply the set-up and let it come to rest."""
        if not self.task.setup:
            return
        with self._phases.measure("setup"):
            self.workspace.set_up(self.task.setup)
        self.settle()

    def require_undone(self) -> None:
        """Refuse a task whose checks prove nothing in the world of its set-up.

        Raises:
            TaskRejected: a check holds already, an invariant does not hold, or one cannot be evaluated.
        """
        with self._phases.measure("check"):
            require_undone(self.workspace.check(self.task.checks))

    def run(self, program: Program) -> Execution:
        """Run the program; the world may still be moving when this returns.

        Raises:
            ReplyError: its arguments do not fit these values.
            SandboxError: the sandbox fails.
        """
        arguments = bind_arguments(program.arguments, self.task.values)
        with self._phases.measure("run"):
            return self._sandbox.run(program, arguments, self.workspace.access, self._store.root)

    def settle(self) -> Settled:
        """Let the world come to rest."""
        with self._phases.measure("settle"):
            return self.workspace.settle()


def require_undone(results: tuple[CheckResult, ...]) -> None:
    """Refuse a task whose checks prove nothing in the world of its set-up.

    Raises:
        TaskRejected: a check holds already, an invariant does not hold, or one cannot be evaluated.
    """
    for result in results:
        if result.holds is None:
            raise TaskRejected(f"a check cannot be evaluated: {result.text}: {result.detail}")
        if result.holds and not result.invariant:
            raise TaskRejected(
                f"a check holds before the program runs, so it proves nothing: {result.text} (leave it out, "
                "or mark it `invariant: true` where it guards something that must not be lost)"
            )
        if not result.holds and result.invariant:
            raise TaskRejected(f"an invariant does not hold before the program runs: {result.text}: {result.detail}")
