"""What every `SkillIndex` keeps to: Chroma in a folder, and a real Chroma server."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.chroma_server import NoServer, running_chroma
from tests.support.network import loopback_only
from tests.support.words import CountingEmbedder
from voyager_k8s.core.ports import Embedder
from voyager_k8s.library.index import ChromaIndex, open_index

__all__ = ["loopback_only"]

Open = Callable[[Embedder], ChromaIndex]
TEXTS = {
    "scale_deployment": "scale_deployment: set the replicas of a deployment",
    "deny_ingress": "deny_ingress: block traffic by a network policy",
    "bind_role": "bind_role: grant rights to a service account",
}


@pytest.fixture(scope="session")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with running_chroma(tmp_path_factory.mktemp("chroma")) as url:
            yield url
    except NoServer as error:
        pytest.skip(str(error))


@pytest.fixture(params=["embedded", "server"])
def open_(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    url = request.getfixturevalue("chroma_url") if request.param == "server" else None
    opened: list[ChromaIndex] = []

    def opener(embedder: Embedder) -> ChromaIndex:
        opened.append(open_index(tmp_path, embedder, chroma_url=url))
        return opened[-1]

    yield opener
    for index in opened:
        index.close()


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def index(open_: Open, embedder: CountingEmbedder) -> ChromaIndex:
    return open_(embedder)


def names(index: ChromaIndex, text: str, limit: int = 9) -> list[str]:
    return [hit.name for hit in index.query(text, limit)]


def test_the_nearest_come_first(index: ChromaIndex) -> None:
    assert index.sync(TEXTS) == 3

    hits = index.query("replicas of a deployment", 3)

    assert hits[0].name == "scale_deployment"
    assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)
    assert all(0 <= hit.distance <= 2 for hit in hits)
    assert index.query(TEXTS["bind_role"], 1)[0].distance == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(("limit", "found"), [(0, 0), (1, 1), (2, 2), (3, 3), (50, 3)])
def test_no_more_than_asked_for_and_no_more_than_there_are(index: ChromaIndex, limit: int, found: int) -> None:
    index.sync(TEXTS)

    assert len(index.query("network", limit)) == found


def test_an_empty_index_finds_nothing(index: ChromaIndex) -> None:
    assert index.query("anything", 5) == []
    assert index.sync({}) == 0
    assert index.query("anything", 5) == []


def test_only_what_differs_is_embedded(index: ChromaIndex, embedder: CountingEmbedder) -> None:
    index.sync(TEXTS)
    embedder.embedded.clear()

    assert index.sync(TEXTS) == 0
    assert embedder.embedded == []
    changed = {**TEXTS, "bind_role": "bind_role: bind a cluster role"}
    assert index.sync(changed) == 1
    assert embedder.embedded == ["bind_role: bind a cluster role"]
    assert names(index, "cluster role", 1) == ["bind_role"]


def test_what_is_gone_is_not_found(index: ChromaIndex) -> None:
    index.sync(TEXTS)

    assert index.sync({"bind_role": TEXTS["bind_role"]}) == 2
    assert names(index, TEXTS["scale_deployment"]) == ["bind_role"]
    assert index.sync({}) == 1
    assert names(index, "x") == []


def test_every_step_leads_to_exactly_what_was_asked_for(index: ChromaIndex) -> None:
    for size in range(len(TEXTS) + 1):
        for chosen in itertools.combinations(TEXTS, size):
            index.sync({name: TEXTS[name] for name in chosen})
            assert sorted(names(index, "a")) == sorted(chosen)


def test_it_is_still_there_after_closing(open_: Open, embedder: CountingEmbedder) -> None:
    first = open_(embedder)
    first.sync(TEXTS)
    first.close()
    embedder.embedded.clear()

    second = open_(embedder)

    assert names(second, TEXTS["deny_ingress"], 1) == ["deny_ingress"]
    assert second.sync(TEXTS) == 0
    assert embedder.embedded == [TEXTS["deny_ingress"]]
    assert names(first, TEXTS["deny_ingress"], 1) == ["deny_ingress"]


def test_two_at_once_see_the_same(open_: Open, embedder: CountingEmbedder) -> None:
    first, second = open_(embedder), open_(embedder)
    first.sync(TEXTS)
    assert second.sync(TEXTS) == 0

    first.close()

    assert names(second, TEXTS["bind_role"], 1) == ["bind_role"]


def test_vectors_of_different_embedders_do_not_mix(open_: Open) -> None:
    small, large = open_(CountingEmbedder("words/small", 16)), open_(CountingEmbedder("words small", 256))
    small.sync(TEXTS)

    assert large.query("anything", 5) == []
    assert large.sync(TEXTS) == 3
    assert names(small, TEXTS["bind_role"], 1) == names(large, TEXTS["bind_role"], 1) == ["bind_role"]


def test_many_entries(index: ChromaIndex) -> None:
    texts = {f"skill_{n}": f"skill number {'a' * (n % 26)} {'b' * (n // 26)}" for n in range(1200)}

    assert index.sync(texts) == 1200
    assert index.sync(texts) == 0
    assert len(index.query("skill", 20)) == 20


def test_equally_near_ones_come_by_name(index: ChromaIndex) -> None:
    index.sync({name: "the same words" for name in ("c", "a", "d", "b")})

    assert names(index, "the same words") == ["a", "b", "c", "d"]
