"""One run of a program on one set of values: what a rollout and practice have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from voyager_k8s.agents.templating import bind_arguments, bind_task
from voyager_k8s.core.ports import Cluster, Sandbox, SkillStore, Workspace
from voyager_k8s.core.program import Execution, Program
from voyager_k8s.core.task import BoundTask, Task, Values
from voyager_k8s.core.world import Settled
from voyager_k8s.learning.record import Phases

__all__ = ["Bench", "Trial"]


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

    def run(self, program: Program) -> tuple[Execution, Settled]:
        """Run the program and let the world come to rest.

        Raises:
            SandboxError: the sandbox fails.
        """
        arguments = bind_arguments(program.arguments, self.task.values)
        with self._phases.measure("run"):
            execution = self._sandbox.run(program, arguments, self.workspace.access, self._store.root)
        return execution, self.settle()

    def settle(self) -> Settled:
        """Let the world come to rest."""
        with self._phases.measure("settle"):
            return self.workspace.settle()
