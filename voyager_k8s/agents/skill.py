"""The skill manager: what a campaign has learned, found again by meaning and added to.

The files are the truth, the index is derived: it is brought in line with the files when the manager is
opened and after each addition.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from voyager_k8s.agents.replies import ask, parse_object
from voyager_k8s.agents.templating import render_prompt
from voyager_k8s.core.base import Model
from voyager_k8s.core.conversation import Message
from voyager_k8s.core.errors import ReplyError
from voyager_k8s.core.ports import ChatModel, SkillIndex, SkillStore
from voyager_k8s.core.program import Program
from voyager_k8s.core.skill import Provenance, Skill, SkillCard, Verification
from voyager_k8s.core.source import digest, docstring, signature, skill_imports
from voyager_k8s.core.task import BoundTask, Task

__all__ = ["SkillManager"]


class _Description(Model):
    """The describer's reply."""

    description: str = Field(min_length=10)


class SkillManager:
    """Retrieves, describes, stores.

    Args:
        store: the folder of skills.
        index: finds their names by meaning.
        model: answers for the role `describer`.
        retrieve: skills returned for a task, at most.
        max_replies: replies asked for before a description is given up.
    """

    def __init__(
        self, store: SkillStore, index: SkillIndex, model: ChatModel, *, retrieve: int, max_replies: int
    ) -> None:
        self.store = store
        self._index = index
        self._model = model
        self._retrieve = retrieve
        self._max_replies = max_replies
        self.refresh()

    def refresh(self) -> int:
        """Bring the index in line with the files; returns how many entries were out of step."""
        return self._index.sync({skill.name: skill.text for skill in self.store.all()})

    def primitives(self) -> tuple[Skill, ...]:
        """The seed skills, which every action prompt lists."""
        return tuple(skill for skill in self.store.all() if skill.card.status == "seed")

    def learned(self) -> tuple[Skill, ...]:
        """Everything that is no seed skill."""
        return tuple(skill for skill in self.store.all() if skill.card.status != "seed")

    def retrieve(self, task: BoundTask, critique: str = "") -> tuple[Skill, ...]:
        """The learned skills nearest to the task's search terms, nearest first; a critique brings in the
        one that is nearest to what it asks for, in place of the last."""
        found = list(self._nearest(task.search_terms, self._retrieve))
        if critique and found:
            for skill in self._nearest(critique, 1):
                if skill not in found:
                    found[self._retrieve - 1 :] = [skill]
        return tuple(found)

    def search(self, text: str, limit: int) -> list[tuple[Skill, float]]:
        """Skills, seeds included, nearest to a text, with their cosine distances."""
        return [(self.store.get(hit.name), hit.distance) for hit in self._index.query(text, limit)]

    def _nearest(self, text: str, limit: int) -> Iterator[Skill]:
        seeds = {skill.name for skill in self.primitives()}
        hits = self._index.query(text, limit + len(seeds)) if limit else []
        names = [hit.name for hit in hits if hit.name not in seeds]
        return (self.store.get(name) for name in names[:limit])

    def add_new_skill(self, program: Program, task: Task, provenance: Provenance, verification: Verification) -> Skill:
        """Have a program described, and keep it. Where the describer's replies cannot be used, its own
        docstring describes it: what was learned is not lost for want of a sentence.

        Raises:
            ModelError: the describer does not answer.
        """
        try:
            description = self._describe(program, task)
        except ReplyError:
            description = docstring(program.source, program.name)
        parameters, returns = signature(program.source, program.name)
        card = SkillCard(
            name=program.name,
            description=description,
            parameters=parameters,
            returns=returns,
            status="verified" if verification.practised else "candidate",
            imports=skill_imports(program.source),
            provenance=provenance,
            verification=verification,
            sha256=digest(program.source),
        )
        skill = Skill(card=card, source=program.source)
        self.store.put(skill)
        self.refresh()
        return skill

    def _describe(self, program: Program, task: Task) -> str:
        prompt = (
            Message(author="system", text=render_prompt("describer_system")),
            Message(author="human", text=render_prompt("describer_human", program=program, task=task)),
        )
        reply = ask(
            self._model,
            "describer",
            task.id,
            prompt,
            lambda text: parse_object(text, _Description),
            tries=self._max_replies,
            schema=_Description,
        )
        return " ".join(reply.description.split())
