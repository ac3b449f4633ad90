"""The seams: what the agents and the loop ask of the world around them.

Adapters of row 1 (`models/`, `clusters/`, `sandbox/`, `library/`) implement these, and nothing above
knows which one it was given. `tests/contract/` holds one suite per port and runs it over every
implementation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from voyager_k8s.core.base import Manifest
from voyager_k8s.core.conversation import ModelReply, ModelRequest
from voyager_k8s.core.program import ApiAccess, Execution, Program
from voyager_k8s.core.skill import Skill
from voyager_k8s.core.task import Check, Values
from voyager_k8s.core.verdict import CheckResult
from voyager_k8s.core.world import ClusterFacts, Observation, Settled

__all__ = ["ChatModel", "Cluster", "Embedder", "Hit", "Sandbox", "SkillIndex", "SkillStore", "Workspace"]


class ChatModel(Protocol):
    """Answers questions."""

    def complete(self, request: ModelRequest) -> ModelReply:
        """Answer one request.

        Raises:
            ModelError: the endpoint failed and retrying did not help, or a recording lacks the reply.
        """


class Embedder(Protocol):
    """Turns text into vectors."""

    @property
    def name(self) -> str:
        """Identifies model and size: vectors of different names are never mixed."""

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit-length vector for each text, in order."""


class Hit(NamedTuple):
    """One skill found."""

    name: str
    distance: float
    """Cosine distance, 0 (same) to 2."""


class SkillIndex(Protocol):
    """Finds names by meaning. Derived: may be emptied at any time and is then filled again by `sync`."""

    def sync(self, texts: Mapping[str, str]) -> int:
        """Make the index hold exactly these texts by name, embedding only what differs.

        Returns:
            How many entries were added, embedded again, or removed.
        """

    def query(self, text: str, limit: int) -> list[Hit]:
        """The `limit` nearest names, nearest first; fewer where fewer are held."""


class SkillStore(Protocol):
    """The folder of skills: the truth the index is derived from."""

    @property
    def root(self) -> Path:
        """The folder a program's `from skills.x import x` is resolved in: it holds `skills/`."""

    def names(self) -> tuple[str, ...]:
        """All skills' names, sorted."""

    def get(self, name: str) -> Skill:
        """Both files of one skill.

        Raises:
            LibraryError: no such skill (with the names there are), or its files contradict each other.
        """

    def all(self) -> Iterable[Skill]:
        """Every skill, by name."""

    def put(self, skill: Skill) -> None:
        """Write both files, each whole or not at all; replaces a skill of that name."""


class Sandbox(Protocol):
    """Runs untrusted programs."""

    def run(self, program: Program, arguments: Values, access: ApiAccess, library: Path) -> Execution:
        """Call the program's function with an ApiClient and these arguments (templates already put in).

        Args:
            library: the folder holding `skills/`, importable by the program.

        Raises:
            SandboxError: the sandbox itself failed; whatever the program does is an `Execution`.
        """

    def close(self) -> None:
        """Leave no process behind."""


class Workspace(Protocol):
    """A namespace and an identity that one attempt may use, and what can be seen of it."""

    @property
    def namespace(self) -> str:
        """Its name."""

    @property
    def access(self) -> ApiAccess:
        """For a program: rights in this workspace only."""

    def validate(self, checks: Sequence[Check]) -> None:
        """Refuse checks that could never be evaluated.

        Raises:
            TaskRejected: an expression does not parse or uses an unknown variable, or the cluster has no such
                kind or resource.
        """

    def set_up(self, manifests: Sequence[Manifest]) -> None:
        """Apply manifests, in order, into the namespace.

        Raises:
            TaskRejected: the API server refuses one, with which and why.
        """

    def settle(self) -> Settled:
        """Wait until nothing in the workspace changes any more, or the deadline."""

    def observe(self) -> Observation:
        """All objects of all listable kinds in the workspace, normalised, and its events."""

    def stable(self, text: str) -> str:
        """A program's words with what the cluster gave out at random (generated names, addresses, uids) replaced as
        in the last observation, so that a prompt speaks of one thing by one name; and without its credentials."""

    def check(self, checks: Sequence[Check], answer: JsonValue = None) -> tuple[CheckResult, ...]:
        """Evaluate checks, in order, against the live world and the program's answer. Right after `observe`, they may
        be evaluated against what was observed: `settle` and `set_up` end that."""

    def close(self) -> None:
        """Give the workspace up; returns at once, the deletion goes on behind."""


class Cluster(Protocol):
    """A Kubernetes cluster that hands out workspaces."""

    def start(self) -> None:
        """Make it reachable; does nothing where it is already.

        Raises:
            ClusterError: it cannot be started or reached.
            PrerequisiteError: something must be installed first.
        """

    def facts(self) -> ClusterFacts:
        """What it offers."""

    def prepare(self, name: str) -> None:
        """Say that a workspace of this name will be asked for next: it may be made ready meanwhile."""

    def workspace(self, name: str) -> Workspace:
        """A fresh workspace; its namespace is `name`, with a suffix where that is taken."""

    def stop(self) -> None:
        """Give up everything that `start` made; what was there before stays."""
