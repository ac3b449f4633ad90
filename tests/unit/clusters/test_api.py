"""What the API server answers, refuses and fails to answer, played by a server on the loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from voyager_k8s.clusters.api import Api, ApiRefusal
from voyager_k8s.clusters.discovery import Resource, read_discovery
from voyager_k8s.core.errors import ClusterError

PODS = Resource("", "v1", "pods", "Pod", True, frozenset({"list", "watch"}))
Answer = tuple[int, Any]


class Played:
    """Answers each request with the next of these; the last one again and again."""

    def __init__(self, server: ThreadingHTTPServer, answers: list[Answer], seen: list[str]) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.answers, self.seen = answers, seen


@pytest.fixture
def played() -> Iterator[Played]:
    answers: list[Answer] = []
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append(self.path)
            status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Played(server, answers, seen)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[[str], Api]]:
    opened: list[Api] = []

    def connect(url: str) -> Api:
        file = tmp_path / "kubeconfig"
        clusters = [{"name": "c", "cluster": {"server": url}}]
        contexts = [{"name": "c", "context": {"cluster": "c", "user": "u"}}]
        users = [{"name": "u", "user": {"token": "t"}}]
        config = {"clusters": clusters, "contexts": contexts, "users": users, "current-context": "c"}
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))
        opened.append(Api(file))
        return opened[-1]

    yield connect
    for api in opened:
        api.close()


def test_a_server_that_stumbles_is_asked_again(played: Played, connect: Callable[[str], Api]) -> None:
    played.answers += [(503, {}), (429, {}), (200, {"gitVersion": "v1.36.1"})]
    assert connect(played.url).version() == "v1.36.1"
    assert len(played.seen) == 3


def test_a_server_that_keeps_failing_is_the_worlds_failure(played: Played, connect: Callable[[str], Api]) -> None:
    played.answers.append((500, {"message": "etcdserver: request timed out", "reason": "InternalError"}))
    with pytest.raises(ClusterError, match=r"request timed out .*tried 4 times") as caught:
        connect(played.url).version()
    assert not isinstance(caught.value, ApiRefusal)


def test_a_refusal_is_not_asked_again(played: Played, connect: Callable[[str], Api]) -> None:
    played.answers.append((403, {"message": "pods is forbidden", "reason": "Forbidden"}))
    with pytest.raises(ApiRefusal, match="pods is forbidden") as caught:
        connect(played.url).list(PODS, "ns")
    assert (caught.value.status, caught.value.reason, len(played.seen)) == (403, "Forbidden", 1)


def test_a_manifest_that_does_not_fit_the_schema_is_refused_once(played: Played, connect: Callable[[str], Api]) -> None:
    played.answers.append((500, {"message": "failed to create typed patch object (ns/web): .spec.replcas: unknown"}))
    with pytest.raises(ApiRefusal, match="replcas"):
        connect(played.url).version()
    assert len(played.seen) == 1


def test_a_list_names_what_its_items_are(played: Played, connect: Callable[[str], Api]) -> None:
    played.answers.append((200, {"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "a"}}]}))
    listing = connect(played.url).list(PODS, "ns", {"app": "web"})
    assert listing.version == "7"
    assert listing.items == ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}},)
    assert played.seen == ["/api/v1/namespaces/ns/pods?resourceVersion=0&labelSelector=app%3Dweb"]


def test_an_object_that_is_not_there_is_none(played: Played, connect: Callable[[str], Api]) -> None:
    played.answers.append((404, {"message": "not found", "reason": "NotFound"}))
    assert connect(played.url).get(PODS, "ns", "web") is None


def test_an_answer_that_is_no_json_is_the_worlds_failure(played: Played, connect: Callable[[str], Api]) -> None:
    played.answers.append((200, b"<html>"))
    with pytest.raises(ClusterError, match="not JSON"):
        connect(played.url).version()


def test_a_server_without_aggregated_discovery_is_too_old(played: Played, connect: Callable[[str], Api]) -> None:
    played.answers.append((200, {"kind": "APIGroupList"}))
    with pytest.raises(ClusterError, match=r"1\.30"):
        connect(played.url).catalogue()


def test_a_server_that_is_not_there(connect: Callable[[str], Api]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ClusterError, match="cannot be reached"):
            connect(url).version()


def test_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="nowhere"):
        Api(tmp_path / "nowhere")


def test_the_catalogue_finds_what_people_write() -> None:
    def entry(plural: str, kind: str, scope: str = "Namespaced") -> dict[str, Any]:
        return {"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": ["list"]}

    def group(name: str, *versions: dict[str, Any]) -> dict[str, Any]:
        return {"metadata": {"name": name}, "versions": list(versions)}

    scaler = entry("horizontalpodautoscalers", "HorizontalPodAutoscaler")
    core = group("", {"version": "v1", "resources": [entry("pods", "Pod"), entry("nodes", "Node", "Cluster")]})
    scaling = group("autoscaling", {"version": "v2", "resources": [scaler]}, {"version": "v1", "resources": [scaler]})
    catalogue = read_discovery([{"items": [core]}, {"items": [scaling]}])
    assert [each.title for each in catalogue.namespaced()] == ["Pod (v1)", "HorizontalPodAutoscaler (autoscaling/v2)"]
    assert catalogue.versions("HorizontalPodAutoscaler") == ("autoscaling/v2", "autoscaling/v1")
    for text in ("horizontalpodautoscalers", "horizontalpodautoscalers.autoscaling"):
        found = catalogue.by_plural(text)
        assert found is not None
        assert found.path("ns", "a") == "/apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers/a"
    assert catalogue.by_plural("pods.apps") is None
    node = catalogue.find("v1", "Node")
    assert node is not None
    assert node.path("ns") == "/api/v1/nodes"
