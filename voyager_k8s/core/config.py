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
    temperature: float | None = None
    """None: the model's own default (some models accept no other)."""
    timeout_seconds: float = 120.0
    """For one request."""
    max_tokens: int | None = None
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
    nodes: int = Field(default=2, ge=1, le=100)
    """Simulated nodes."""
    keep: bool = False
    """Leave the cluster running when the campaign ends."""
    settle_seconds: float = 20.0
    """Longest wait for the world to come to rest."""
    quiet_seconds: float = 0.25
    """The world is at rest when nothing has changed for so long."""
    notes: str = ""
    """Told to the curriculum and action agents: what is particular about this cluster."""


class SandboxConfig(Model):
    """Limits of one run of a program."""

    seconds: float = 90.0
    """Wall-clock time. More than the 60 s after which a seed skill gives up waiting, and says what it saw."""
    memory_mib: int = 512
    """Address space added to the warm process's own."""
    output_bytes: int = 20_000
    """Printed text that is kept; more is cut with a note."""
    result_bytes: int = 100_000
    """JSON of the returned value; more is an error of the program."""


class EmbeddingConfig(Model):
    """What turns descriptions into vectors."""

    provider: Literal["wordllama", "openai", "sentence-transformers", "chroma"] = "wordllama"
    model: str | None = None
    """None: the provider's default."""


class LibraryConfig(Model):
    """The skill library and its index."""

    path: str | None = None
    """The library's folder; None: `library/` in the campaign's."""
    embedding: EmbeddingConfig = EmbeddingConfig()
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
    """Replies asked for before one is given up as unusable; costs no attempt."""
    models: ModelsConfig = ModelsConfig()
    cluster: ClusterConfig | None = None
    """None: `environments/embedded/cluster.yaml`, which travels with the package."""
    sandbox: SandboxConfig = SandboxConfig()
    library: LibraryConfig = LibraryConfig()
