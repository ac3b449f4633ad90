"""One watch per kind for the whole cluster, sorted by namespace.

Every workspace asks it what is there and when that last changed, so that waiting costs no request and
no new connection. A broken watch goes on from where it was; one whose past the server has forgotten
(410 Gone) lists anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voyager_k8s.clusters.api import Api, ApiRefusal
from voyager_k8s.clusters.discovery import Resource
from voyager_k8s.clusters.streams import Watch
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.errors import ClusterError

__all__ = ["Hub", "View"]

_PAUSE_SECONDS = 0.5
"""Between two tries to open a broken watch again."""


@dataclass(frozen=True)
class View:
    """What the hub knows of a namespace."""

    objects: tuple[Manifest, ...]
    changed: float
    """When it last saw a change there, by `time.monotonic`; 0.0 where it never did."""


class Hub:
    """Watches kinds; start it once, ask it from any thread."""

    def __init__(self, api: Api, resources: Sequence[Resource]) -> None:
        self._news = threading.Condition()
        self._objects: dict[str, dict[tuple[str, str], Manifest]] = {}
        self._changed: dict[str, float] = {}
        self._stopping = threading.Event()
        self._feeds = [_Feed(api, each, self._put, self._stopping) for each in resources]

    def start(self, seconds: float = 10.0) -> None:
        """Begin to watch; returns when every kind has been listed once.

        Raises:
            ClusterError: one could not be listed within so many seconds.
        """
        for feed in self._feeds:
            feed.start()
        deadline = time.monotonic() + seconds
        for feed in self._feeds:
            if not feed.listed.wait(max(0.0, deadline - time.monotonic())):
                self.stop()
                raise ClusterError(f"cannot watch {feed.kind} within {seconds:g} s: {feed.trouble}")

    def stop(self) -> None:
        """End all watches and their threads."""
        self._stopping.set()
        for feed in self._feeds:
            feed.interrupt()
        for feed in self._feeds:
            feed.join()

    def view(self, namespace: str) -> View:
        """What is in a namespace now (empty text: cluster-scoped objects)."""
        with self._news:
            objects = tuple(self._objects.get(namespace, {}).values())
            return View(objects, self._changed.get(namespace, 0.0))

    def trouble(self) -> str:
        """Why the view may be out of date; empty where every watch stands."""
        return next((f"{feed.kind}: {feed.trouble}" for feed in self._feeds if feed.trouble), "")

    def wait_for_change(self, namespace: str, seen: View, seconds: float) -> None:
        """Return once a namespace has changed since it was looked at, or after so many seconds."""
        with self._news:
            self._news.wait_for(lambda: self._changed.get(namespace, 0.0) != seen.changed, seconds)

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for something that a change may bring about; False when the time is over."""
        with self._news:
            return self._news.wait_for(condition, seconds)

    def holds(self, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is there."""
        with self._news:
            return (kind, name) in self._objects.get(namespace, {})

    def _put(self, kind: str, items: Sequence[Manifest], gone: bool, whole: bool) -> None:
        with self._news:
            if whole:
                self._forget(kind, {(_namespace(item), item["metadata"]["name"]) for item in items})
            for item in items:
                self._put_one(kind, item, gone)
            self._news.notify_all()

    def _forget(self, kind: str, kept: set[tuple[str, str]]) -> None:
        for namespace, objects in self._objects.items():
            lost = [key for key in objects if key[0] == kind and (namespace, key[1]) not in kept]
            for key in lost:
                del objects[key]
                self._changed[namespace] = time.monotonic()

    def _put_one(self, kind: str, item: Manifest, gone: bool) -> None:
        namespace, key = _namespace(item), (kind, item["metadata"]["name"])
        objects = self._objects.setdefault(namespace, {})
        before = objects.pop(key, None)
        if not gone:
            objects[key] = item
        if gone or before is None or before["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
            self._changed[namespace] = time.monotonic()


class _Feed(threading.Thread):
    """Keeps one kind up to date."""

    def __init__(
        self,
        api: Api,
        resource: Resource,
        put: Callable[[str, Sequence[Manifest], bool, bool], None],
        stopping: threading.Event,
    ) -> None:
        super().__init__(name=f"watch-{resource.plural}", daemon=True)
        self.kind = resource.kind
        self.listed = threading.Event()
        self.trouble = "not listed yet"
        self._api, self._resource, self._put, self._stopping = api, resource, put, stopping
        self._watch: Watch | None = None
        self._version = ""

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except ApiRefusal as refusal:
                self._broken(refusal, forget=True)
            except ClusterError as error:
                self._broken(error, forget=False)

    def interrupt(self) -> None:
        """End a watch that waits; the thread ends by itself then."""
        watch = self._watch
        if watch is not None:
            watch.stop()

    def _broken(self, error: ClusterError, forget: bool) -> None:
        if forget:
            self._version = ""
        gone = isinstance(error, ApiRefusal) and error.status == 410
        if not gone:
            self.trouble = str(error)
            self._stopping.wait(_PAUSE_SECONDS)

    def _follow(self) -> None:
        if not self._version:
            listing = self._api.list(self._resource)
            self._put(self.kind, listing.items, False, True)
            self._version = listing.version
        self._watch = self._api.watch(self._resource, self._version)
        if self._stopping.is_set():
            self._watch.stop()
        self.trouble = ""
        self.listed.set()
        for event in self._watch:
            self._take(event)

    def _take(self, event: Manifest) -> None:
        item = event["object"]
        if event["type"] == "ERROR":
            raise ApiRefusal(int(item.get("code", 0)), str(item.get("reason", "")), str(item.get("message", "")))
        self._version = item["metadata"]["resourceVersion"]
        if event["type"] != "BOOKMARK":
            self._put(self.kind, [item], event["type"] == "DELETED", False)


def _namespace(item: Manifest) -> str:
    return str(item["metadata"].get("namespace", ""))
