"""What a campaign is configured by: one class per component, every field with its unit.

`campaign.yaml` has this shape; an unknown key is refused. API keys are not part of it: they come
from the environment, are read in the CLI, and are never written anywhere.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voyager_k8s.core.base import Model
from voyager_k8s.core.conversation import Role

__all__ = [
    "CampaignConfig",
    "ClusterConfig",
    "EmbeddingConfig",
    "LibraryConfig",
    "ModelConfig",
    "ModelsConfig",
    "SandboxConfig",
]


class ModelConfig(Model):
    """One chat model."""

    model: str = "openai:gpt-5.1"
    """LangChain's `provider:model`."""
    base_url: str | None = None
    """Another endpoint that speaks the provider's protocol."""
    key_variable: str | None = None
    """The environment variable that holds this endpoint's API key; None: the provider's own (`OPENAI_API_KEY`)."""
    temperature: float | None = None
    """None: the model's own default (some models accept no other)."""
    timeout_seconds: float = Field(default=120.0, gt=0)
    """For one request."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Of one reply; None: the model's own limit."""
    attempts: int = Field(default=5, ge=1)
    """Tries of one request, on transient errors (429, 5xx, time-outs, connection errors)."""
    structured: bool = True
    """Ask for JSON-schema output where an object is wanted; false: a fenced block, for models without it."""


class ModelsConfig(Model):
    """Which model answers for which role."""

    default: ModelConfig = ModelConfig()
    roles: dict[Role, ModelConfig] = {}
    """A role named here is answered by its own model."""
    fallback: ModelConfig | None = None
    """Asked when a role's model has failed all its tries."""
    replay: str | None = None
    """A cassette to take every reply from; no endpoint is asked."""
    record: str | None = None
    """A cassette to write every reply to."""
    strict_replay: bool = False
    """Refuse a recorded reply whose prompt differs from the one at hand."""


class ClusterConfig(Model):
    """The cluster to learn on: `environments/<name>/cluster.yaml` has this shape."""

    kind: Literal["embedded"] = "embedded"
    """`embedded`: a real control plane as local processes, with simulated nodes."""
    nodes: int = Field(default=2, ge=1, le=100)
    """Simulated nodes."""
    keep: bool = False
    """Leave the cluster running when the campaign ends."""
    settle_seconds: float = Field(default=20.0, gt=0)
    """Longest wait for the world to come to rest."""
    quiet_seconds: float = Field(default=0.25, gt=0)
    """The world is at rest when nothing has changed for so long."""
    notes: str = ""
    """Told to the curriculum and action agents: what is particular about this cluster."""


class SandboxConfig(Model):
    """Limits of one run of a program."""

    seconds: float = Field(default=90.0, gt=0)
    """Wall-clock time. More than the 60 s after which a seed skill gives up waiting, and says what it saw."""
    memory_mib: int = Field(default=512, gt=0)
    """Address space added to the warm process's own."""
    output_bytes: int = Field(default=20_000, gt=0)
    """Printed text that is kept; more is cut with a note."""
    result_bytes: int = Field(default=100_000, gt=0)
    """JSON of the returned value; more is an error of the program."""


class EmbeddingConfig(Model):
    """What turns descriptions into vectors."""

    provider: Literal["wordllama", "openai", "sentence-transformers", "chroma"] = "wordllama"
    """`wordllama` needs neither a key nor a download."""
    model: str | None = None
    """None: the provider's default."""


class LibraryConfig(Model):
    """The skill library and its index."""

    path: str | None = None
    """The library's folder; None: `library/` in the campaign's."""
    embedding: EmbeddingConfig = EmbeddingConfig()
    """Skills are embedded anew when this changes."""
    chroma_url: str | None = None
    """A Chroma server, as `http://host:port`; None: a local index in the library's folder."""
    retrieve: int = Field(default=5, ge=0)
    """Skills shown to the action agent, besides the control primitives."""


class CampaignConfig(Model):
    """One campaign."""

    curriculum: str = "auto"
    """`auto`, `manual`, or a file of tasks (a path, or a name under `curricula/`)."""
    iterations: int = Field(default=20, ge=1)
    """Tasks to take on."""
    max_attempts: int = Field(default=4, ge=1)
    """Programs written for one task."""
    max_proposals: int = Field(default=4, ge=1)
    """Tasks proposed before a round is given up, when each is sent back."""
    max_replies: int = Field(default=3, ge=1)
    """Replies asked for before one is given up as unusable. An unusable reply costs no attempt; when none of these
    can be used, the task is given up."""
    models: ModelsConfig = ModelsConfig()
    """Who answers."""
    cluster: ClusterConfig | None = None
    """None: `environments/embedded/cluster.yaml`, which travels with the package."""
    sandbox: SandboxConfig = SandboxConfig()
    """Limits of programs."""
    library: LibraryConfig = LibraryConfig()
    """Where skills are kept, and how they are found again."""
