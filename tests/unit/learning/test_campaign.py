"""How a campaign goes from round to round; what happens within a task is the rollout's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.fakes import MemoryIndex, MemoryStore
from tests.support.samples import a_task
from voyager_k8s.agents.curriculum import Curriculum, Wanted
from voyager_k8s.agents.skill import SkillManager
from voyager_k8s.core.errors import TaskRejected
from voyager_k8s.core.ports import Workspace
from voyager_k8s.core.progress import silent
from voyager_k8s.core.task import Task
from voyager_k8s.core.world import ClusterFacts
from voyager_k8s.learning.artefacts import Artefacts
from voyager_k8s.learning.calls import JournaledModel
from voyager_k8s.learning.campaign import Campaign, Rollouts
from voyager_k8s.learning.journal import Journal
from voyager_k8s.learning.record import TaskState
from voyager_k8s.models.scripted import ScriptedModel


class NoCluster:
    """A cluster that is looked at and never used."""

    def start(self) -> None: ...

    def facts(self) -> ClusterFacts:
        return ClusterFacts(version="v1.36.1", nodes=(), kinds=())

    def prepare(self, name: str) -> None: ...

    def workspace(self, name: str) -> Workspace:
        raise AssertionError(name)

    def stop(self) -> None: ...


class Proposals:
    """Hands out what it was given; None ends."""

    def __init__(self, *tasks: Task | None, rounds: int | None = None) -> None:
        self.tasks, self.rounds, self.asked = list(tasks), rounds, 0

    def propose_next_task(self, wanted: Wanted) -> Task | None:
        self.asked += 1
        task = self.tasks.pop(0)
        return task and task.model_copy(update={"id": wanted.task_id})


class Refusing:
    """A rollout that sends every task back."""

    stopping = False

    def run(self, task: Task, round_number: int) -> TaskState:
        raise TaskRejected("the set-up is refused")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite3")) as journal:
        yield journal


def campaign(
    journal: Journal, curriculum: Curriculum, folder: Path, *, rollout: Rollouts | None = None, iterations: int = 2
) -> Campaign:
    model = ScriptedModel({})
    return Campaign(
        cluster=NoCluster(),
        curriculum=curriculum,
        rollout=rollout or Refusing(),
        skills=SkillManager(MemoryStore(), MemoryIndex(), model, retrieve=1, max_replies=1),
        journal=journal,
        calls=JournaledModel(model, journal, Artefacts(folder)),
        listener=silent,
        iterations=iterations,
        max_proposals=3,
    )


def test_a_round_is_given_up_after_so_many_proposals(journal: Journal, tmp_path: Path) -> None:
    curriculum = Proposals(*[a_task()] * 6)

    assert campaign(journal, curriculum, tmp_path).learn() == "finished"

    assert curriculum.asked == 6
    assert [record.state for record in journal.tasks()] == [TaskState.REJECTED] * 2
    assert journal.tasks()[0].reason == "the set-up is refused"


def test_a_list_has_nothing_in_place_of_a_task_that_was_sent_back(journal: Journal, tmp_path: Path) -> None:
    curriculum = Proposals(a_task(), a_task(), rounds=2)

    assert campaign(journal, curriculum, tmp_path).learn() == "finished"

    assert curriculum.asked == 2


def test_who_has_no_further_task_ends_it_after_a_refusal_too(journal: Journal, tmp_path: Path) -> None:
    assert campaign(journal, Proposals(a_task(), None), tmp_path).learn() == "stopped by hand"

    assert journal.tasks() == ()


def test_nothing_is_proposed_once_it_is_to_stop(journal: Journal, tmp_path: Path) -> None:
    curriculum = Proposals(a_task())
    stopped = campaign(journal, curriculum, tmp_path)
    stopped.stop()

    assert stopped.learn() == "interrupted"
    assert curriculum.asked == 0


def test_each_proposal_has_workspaces_of_its_own(journal: Journal, tmp_path: Path) -> None:
    names = []

    class Noting(Refusing):
        def run(self, task: Task, round_number: int) -> TaskState:
            names.append(journal.workspace_stem(task.id))
            return super().run(task, round_number)

    campaign(journal, Proposals(*[a_task()] * 3), tmp_path, rollout=Noting(), iterations=1).learn()

    assert names == ["task-001", "task-001-p2", "task-001-p3"]
