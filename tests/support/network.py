"""Keeps tests off the network: any connection that is not to this machine fails while the guard is on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["loopback_only", "only_loopback"]

_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")
_state = {"on": False, "installed": False}


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _state["on"] or event not in ("socket.connect", "socket.getaddrinfo"):
        return
    host = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    host = host[0] if isinstance(host, tuple) else host
    if isinstance(host, bytes):
        host = host.decode()
    unix_socket = isinstance(host, str) and host.startswith("/")
    if host and not unix_socket and not str(host).startswith(_LOCAL):
        raise AssertionError(f"a test reached for the network: {host}")


@contextmanager
def only_loopback() -> Iterator[None]:
    """Let connections to this machine through, and no others."""
    if not _state["installed"]:
        sys.addaudithook(_watch)
        _state["installed"] = True
    _state["on"] = True
    try:
        yield
    finally:
        _state["on"] = False


@pytest.fixture(autouse=True)
def loopback_only() -> Iterator[None]:
    """Imported into a test module, it guards every test of that module."""
    with only_loopback():
        yield
