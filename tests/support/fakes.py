"""A skill library in memory: the ports `SkillStore` and `SkillIndex` without files or vectors from a model."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from voyager_k8s.core.errors import LibraryError
from voyager_k8s.core.ports import Hit
from voyager_k8s.core.skill import Skill

__all__ = ["MemoryIndex", "MemoryStore"]


class MemoryStore:
    """Keeps skills in a dictionary."""

    def __init__(self, *skills: Skill) -> None:
        self._skills = {skill.name: skill for skill in skills}

    @property
    def root(self) -> Path:
        """No folder: nothing in memory can be imported."""
        return Path("in-memory")

    def names(self) -> tuple[str, ...]:
        """All skills' names, sorted."""
        return tuple(sorted(self._skills))

    def get(self, name: str) -> Skill:
        """One skill, or LibraryError."""
        try:
            return self._skills[name]
        except KeyError as error:
            raise LibraryError(f"no skill {name}; there are {', '.join(self.names())}") from error

    def all(self) -> Iterable[Skill]:
        """Every skill, by name."""
        return [self._skills[name] for name in self.names()]

    def put(self, skill: Skill) -> None:
        """Add or replace one."""
        self._skills[skill.name] = skill


class MemoryIndex:
    """Finds texts by the words they share: cosine distance of word counts, 0 to 1."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def sync(self, texts: Mapping[str, str]) -> int:
        """Hold exactly these texts; returns how many entries were touched."""
        names = {*self._texts, *texts}
        touched = sum(self._texts.get(name) != texts.get(name) for name in names)
        self._texts = dict(texts)
        return touched

    def query(self, text: str, limit: int) -> list[Hit]:
        """The nearest names, nearest first; ties by name."""
        hits = [Hit(name, _distance(text, held)) for name, held in self._texts.items()]
        return sorted(hits, key=lambda hit: (hit.distance, hit.name))[:limit]


def _distance(one: str, other: str) -> float:
    left, right = (Counter(re.findall(r"\w+", text.lower())) for text in (one, other))
    lengths = math.hypot(*left.values()) * math.hypot(*right.values())
    return 1.0 - sum(left[word] * right[word] for word in left) / lengths if lengths else 1.0
