"""A skill: one Python file worth keeping, and beside it everything that is not code."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voyager_k8s.core.base import Model

__all__ = ["SKILL_FORMAT", "Parameter", "Provenance", "Skill", "SkillCard", "Status", "Verification"]

SKILL_FORMAT = 1
"""The version of the `.yaml` beside a skill; a higher one is refused."""

Status = Literal["seed", "candidate", "verified"]
"""`seed` ships with the package; `candidate` succeeded once; `verified` also survived practice."""


class Parameter(Model):
    """One keyword argument of a skill."""

    name: str
    type: str
    default: str | None = None
    """The default's source text; None where the argument is required."""


class Provenance(Model):
    """Where a skill comes from."""

    campaign: str = ""
    task: str = ""
    goal: str = ""
    model: str = ""
    attempts: int = 0
    created: str = ""
    """ISO 8601, UTC."""


class Verification(Model):
    """What a skill has been shown to do."""

    checks: tuple[str, ...] = ()
    """The checks it passed, one line each."""
    practised: tuple[str, ...] = ()
    """What practice showed: `general`, `idempotent`."""


class SkillCard(Model):
    """`skills/<name>.yaml`."""

    format: int = SKILL_FORMAT
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    version: int = 1
    status: Status
    imports: tuple[str, ...] = ()
    """Sibling skills that its source imports."""
    provenance: Provenance = Provenance()
    verification: Verification = Verification()
    sha256: str
    """Of the source file, hexadecimal: says whether the two files belong together."""


class Skill(Model):
    """Both files of a skill."""

    card: SkillCard
    source: str

    @property
    def name(self) -> str:
        """The function's name, and the file's."""
        return self.card.name

    @property
    def text(self) -> str:
        """What the index embeds."""
        return f"{self.card.name}: {self.card.description}"
