from __future__ import annotations

import math
from importlib.util import find_spec

import pytest

from tests.support.network import loopback_only
from tests.support.openai_server import running_server
from voyager_k8s.core.config import EmbeddingConfig
from voyager_k8s.core.errors import InfrastructureError, PrerequisiteError, UsageError
from voyager_k8s.library.embeddings import open_embedder

__all__ = ["loopback_only"]


def test_the_default_finds_by_meaning_without_a_network() -> None:
    embedder = open_embedder(EmbeddingConfig())
    skills = [
        "scale_deployment: set the number of replicas of a Deployment",
        "create_network_policy: deny ingress traffic to pods by a NetworkPolicy",
        "bind_role: grant a ServiceAccount rights by a RoleBinding",
    ]
    vectors = embedder.embed(skills)

    def nearest(text: str) -> str:
        (wanted,) = embedder.embed([text])
        return min(zip(vectors, skills, strict=True), key=lambda pair: math.dist(wanted, pair[0]))[1]

    assert nearest("change the replica count of a Deployment") == skills[0]
    assert nearest("block incoming traffic between pods") == skills[1]
    assert nearest("RBAC permissions of a ServiceAccount") == skills[2]
    assert embedder.name == "wordllama-l2_supercat-256"


def test_many_texts_come_back_in_order_over_several_requests() -> None:
    texts = [f"text {number}" for number in range(1100)]
    with running_server() as server:
        embedder = open_embedder(EmbeddingConfig(provider="openai", model="small"), "key", server.base_url)
        together, last = embedder.embed(texts), embedder.embed([texts[-1]])

    assert len(together) == 1100
    assert together[-1] == last[0]
    assert together[0] != together[1]
    assert embedder.name == "openai-small"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (EmbeddingConfig(provider="openai"), "no API key for the embedding model openai:text-embedding-3-small: set"),
        (
            EmbeddingConfig(model="l9"),
            "unknown wordllama model 'l9'; the one whose weights are installed is l2_supercat",
        ),
        (EmbeddingConfig(provider="chroma", model="x"), r"takes no name \('x'\): leave it out"),
    ],
)
def test_what_cannot_be_opened_is_said(config: EmbeddingConfig, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_embedder(config)


@pytest.mark.skipif(find_spec("sentence_transformers") is not None, reason="the package is installed")
def test_a_missing_package_is_named() -> None:
    with pytest.raises(PrerequisiteError, match="pip install sentence-transformers"):
        open_embedder(EmbeddingConfig(provider="sentence-transformers"))


def test_an_endpoint_that_is_down_is_the_worlds_failure() -> None:
    with running_server() as server:
        embedder = open_embedder(EmbeddingConfig(provider="openai"), "key", server.base_url)

    with pytest.raises(InfrastructureError, match="openai:text-embedding-3-small at http://127"):
        embedder.embed(["x"])
