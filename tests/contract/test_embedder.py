"""What every `Embedder` keeps to. Those whose weights would have to be downloaded are left out."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from tests.support.network import loopback_only
from tests.support.openai_server import running_server
from tests.support.words import word_embedder
from voyager_k8s.core.config import EmbeddingConfig
from voyager_k8s.core.ports import Embedder
from voyager_k8s.library.embeddings import open_embedder

__all__ = ["loopback_only"]


@pytest.fixture(params=["wordllama", "openai", "function"])
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    match request.param:
        case "wordllama":
            yield open_embedder(EmbeddingConfig())
        case "openai":
            with running_server() as server:
                yield open_embedder(EmbeddingConfig(provider="openai"), "key", server.base_url)
        case _:
            yield word_embedder()


def test_one_vector_of_length_one_for_each_text(embedder: Embedder) -> None:
    vectors = embedder.embed(["scale a deployment", "", "delete a namespace", "日本語"])

    assert len(vectors) == 4
    assert len({len(vector) for vector in vectors}) == 1
    assert [math.hypot(*vector) for vector in vectors] == pytest.approx([1.0] * 4)


def test_the_same_text_gives_the_same_vector_in_any_company(embedder: Embedder) -> None:
    alone = embedder.embed(["scale a deployment"])[0]

    assert embedder.embed(["another", "scale a deployment"])[1] == pytest.approx(alone, abs=1e-6)


def test_no_text_no_vector(embedder: Embedder) -> None:
    assert embedder.embed([]) == []


def test_it_has_a_name(embedder: Embedder) -> None:
    assert embedder.name
