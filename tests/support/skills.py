"""Skills made up for tests."""

from __future__ import annotations

from typing import Any

from voyager_k8s.core.skill import Skill, SkillCard
from voyager_k8s.core.source import digest

__all__ = ["make_skill", "skill_source"]


def skill_source(name: str, body: str = "return None", head: str = "") -> str:
    """A module with one public function."""
    return f"{head}def {name}(api, *, replicas: int = 1) -> None:\n    {body}\n"


def make_skill(name: str = "scale_deployment", source: str | None = None, **card: Any) -> Skill:
    """A candidate; whatever is given replaces what the card would have."""
    text = skill_source(name) if source is None else source
    given = {"name": name, "description": f"Does {name}.", "status": "candidate", "sha256": digest(text), **card}
    return Skill(card=SkillCard.model_validate(given), source=text)
