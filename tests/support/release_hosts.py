"""Plays the hosts that the control plane's programs are released on, with faults to order."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from voyager_k8s.clusters.binaries import components, this_machine
from voyager_k8s.clusters.settings import InstallSettings

__all__ = ["ReleaseHosts", "release_hosts", "stand_in"]

Fault = Literal["wrong checksum", "cut", "missing", "slow", "stalls"]

_SAYS = {"kubernetes": "Kubernetes v{}", "etcd": "etcd Version: {}", "kwok": "kwok version v{} go1.26"}


def stand_in(component: str, version: str) -> bytes:
    """A program that answers `--version` as the real one does, and does nothing else."""
    said = _SAYS[component].format(version)
    return f"#!/bin/sh\necho '{said}'\n{'# padding' * 20_000}\n".encode()


class ReleaseHosts(ThreadingHTTPServer):
    """All hosts in one, with the files of one release of each component."""

    daemon_threads = True

    def __init__(self, cache: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        base = f"http://127.0.0.1:{self.server_port}"
        self.settings = InstallSettings(
            cache=cache,
            kubernetes_url=f"{base}/kubernetes",
            etcd_url=f"{base}/etcd",
            kwok_url=f"{base}/kwok",
            kwok_index_url=f"{base}/index",
            search_path=str(cache / "nothing-on-path"),
            bundled_go=cache / "no-go",
        )
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, Fault] = {}
        """By the last part of the path."""
        self.asked: Counter[str] = Counter()
        """How often, by the last part of the path."""
        self.reached = threading.Event()
        """Set when a file that stalls was asked for."""
        self.go_on = threading.Event()
        self._fill()

    def _fill(self) -> None:
        machine = this_machine()
        kwok, etcd, kubernetes = components(self.settings)
        digests = []
        for name in kwok.programs:
            file, body = f"{name}-{machine.system}-{machine.architecture}", stand_in("kwok", kwok.version)
            self.files[f"/kwok/v{kwok.version}/{file}"] = body
            digests.append({"name": file, "digest": f"sha256:{_sha256(body)}"})
        self.files[f"/index/v{kwok.version}"] = json.dumps({"assets": digests}).encode()
        stem = f"etcd-v{etcd.version}-{machine.system}-{machine.architecture}"
        archive = _archive(f"{stem}/etcd", stand_in("etcd", etcd.version))
        self.files[f"/etcd/v{etcd.version}/{stem}.tar.gz"] = archive
        self.files[f"/etcd/v{etcd.version}/SHA256SUMS"] = f"{_sha256(archive)}  {stem}.tar.gz\n".encode()
        for name in kubernetes.programs:
            path = f"/kubernetes/v{kubernetes.version}/bin/{machine.system}/{machine.architecture}/{name}"
            body = stand_in("kubernetes", kubernetes.version)
            self.files |= {path: body, f"{path}.sha256": _sha256(body).encode()}

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    server: ReleaseHosts

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        self.server.asked[name] += 1
        body, fault = self.server.files.get(self.path), self.server.faults.get(name)
        if body is None or fault == "missing":
            self.send_error(404)
            return
        if fault == "wrong checksum":
            body = b"#" * len(body)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        if fault == "stalls":
            self.server.reached.set()
            self.server.go_on.wait(20)
        if fault == "slow":
            threading.Event().wait(0.3)
        if fault != "cut":
            self.wfile.write(body[len(body) // 2 :])

    def log_message(self, format: str, *args: object) -> None:
        """Tests have nothing to read there."""


@contextmanager
def release_hosts(cache: Path) -> Iterator[ReleaseHosts]:
    """A running server, and settings that point at it."""
    with ReleaseHosts(cache) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            server.shutdown()
            thread.join()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _archive(name: str, body: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(body)
        tar.addfile(member, io.BytesIO(body))
    return file.getvalue()
