"""A watch's stream of JSON lines, and how to end it from another thread."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator

import urllib3

from voyager_k8s.core.base import Manifest
from voyager_k8s.core.errors import ClusterError

__all__ = ["Watch"]


class Watch:
    """An open stream of changes: iterate in one thread, `stop` from any."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[Manifest]:
        """Each event as the server sends it (`type`, `object`); ends when the server ends it or after `stop`.

        Raises:
            ClusterError: the connection broke.
        """
        try:
            yield from map(json.loads, self._lines())
        except (urllib3.exceptions.HTTPError, ssl.SSLError, OSError, ValueError) as error:
            if not self._stopped.is_set():
                raise ClusterError(f"a watch broke: {error}") from error
        finally:
            self._response.close()

    def stop(self) -> None:
        """End the stream, also one that waits for the server's next word."""
        self._stopped.set()
        try:
            self._response.shutdown()
        except (ValueError, RuntimeError, OSError):
            return  # already over: nothing is left to interrupt

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        for chunk in self._response.stream():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
