"""What a campaign has come to, from its journal and its library."""

from __future__ import annotations

from voyager_k8s.core.base import Model
from voyager_k8s.core.ports import SkillStore
from voyager_k8s.learning.journal import Journal
from voyager_k8s.learning.record import TaskState

__all__ = ["CampaignStatus", "LearnedSkill", "TaskLine", "campaign_status"]


class LearnedSkill(Model):
    """One skill of a campaign."""

    name: str
    description: str
    status: str
    attempts: int
    """Programs written until this one was kept."""
    imports: tuple[str, ...]
    imports_learned: tuple[str, ...]
    """Those of the imports that are no seed skills."""


class TaskLine(Model):
    """One round of a campaign."""

    id: str
    state: TaskState
    goal: str
    attempts: int
    skill: str
    reason: str


class CampaignStatus(Model):
    """`voyager-k8s status --json`."""

    folder: str
    library: str
    stopped_because: str
    tasks_completed: int
    tasks_failed: int
    tasks_unknown: int
    """Could not be judged: neither done nor failed."""
    tasks_rejected: int
    """Rounds in which no proposal could be set up."""
    attempts: int
    skills: tuple[LearnedSkill, ...]
    tokens: dict[str, int]
    """`prompt`, `reply`, `total`, and `calls`."""
    seconds_per_phase: dict[str, float]
    """Medians."""
    overhead_seconds_per_attempt: float | None
    """Median of all but model replies, the program's run and settling."""
    replay: dict[str, int]
    """Replies taken from a cassette and how many of their prompts differed; empty without one."""
    tasks: tuple[TaskLine, ...]


def campaign_status(folder: str, library: str, journal: Journal, store: SkillStore) -> CampaignStatus:
    """Read a campaign's figures; the campaign may be running."""
    records = journal.tasks()
    states = [record.state for record in records]
    return CampaignStatus(
        folder=folder,
        library=library,
        stopped_because=journal.noted("stopped_because"),
        tasks_completed=states.count(TaskState.COMPLETED),
        tasks_failed=states.count(TaskState.FAILED),
        tasks_unknown=states.count(TaskState.UNKNOWN),
        tasks_rejected=states.count(TaskState.REJECTED),
        attempts=sum(record.attempts for record in records),
        skills=_skills({record.skill for record in records if record.skill}, store),
        tokens=journal.tokens(),
        seconds_per_phase=journal.phase_medians(),
        overhead_seconds_per_attempt=journal.overhead(),
        replay=journal.replay(),
        tasks=tuple(
            TaskLine(
                id=record.id,
                state=record.state,
                goal=record.task.goal if record.task else "",
                attempts=record.attempts,
                skill=record.skill,
                reason=record.reason,
            )
            for record in records
        ),
    )


def _skills(names: set[str], store: SkillStore) -> tuple[LearnedSkill, ...]:
    skills = list(store.all())
    seeds = {skill.name for skill in skills if skill.card.status == "seed"}
    return tuple(
        LearnedSkill(
            name=skill.name,
            description=skill.card.description,
            status=skill.card.status,
            attempts=skill.card.provenance.attempts,
            imports=skill.card.imports,
            imports_learned=tuple(name for name in skill.card.imports if name not in seeds),
        )
        for skill in skills
        if skill.name in names
    )
