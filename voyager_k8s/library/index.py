"""The index over the skill library, in ChromaDB: embedded in the library's folder, or on a server.

Derived data. Whatever is wrong with an embedded index, it is moved aside and built anew from the texts it
was last given. The vectors are made by our `Embedder` and handed over, so Chroma's own embedding function
is never built (146 ms at each query, measured with chromadb 1.5).
"""

from __future__ import annotations

import hashlib
import platform
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

import chromadb
import httpx
from chromadb.api import ServerAPI
from chromadb.api.client import Client
from chromadb.config import Settings, System
from chromadb.errors import ChromaError, NotFoundError

from voyager_k8s.core.errors import InfrastructureError, LibraryError, UsageError
from voyager_k8s.core.ports import Embedder, Hit
from voyager_k8s.core.progress import Listener, Notice, silent
from voyager_k8s.library.damage import is_damage, move_aside
from voyager_k8s.library.locking import locked

__all__ = ["ChromaIndex", "chroma_embedding", "open_index"]

_FAILURES = (ChromaError, ValueError, httpx.HTTPError)
"""What the client raises where the index cannot be used; an unreachable server is a ValueError."""
_BATCH = 1000
_LOCK_SECONDS = 60.0

T = TypeVar("T")


class _Place(Protocol):
    """Where an index is kept."""

    def connect(self) -> Client:
        """A new client."""

    def mend(self, error: Exception) -> None:
        """Make way for a new index, or raise what the failure means."""


class ChromaIndex:
    """Implements `SkillIndex`. Opened at its first use; safe to use from several threads.

    Args:
        place: where it is kept, see `open_index`.
        embedder: makes the vectors; each embedder's are kept in a collection of their own.
        collection: name of the collection, without the embedder's.
    """

    def __init__(self, place: _Place, embedder: Embedder, collection: str = "skills") -> None:
        self._place = place
        self._embedder = embedder
        self._name = _collection_name(collection, embedder.name)
        self._lock = threading.RLock()
        self._client: Client | None = None
        self._collection: chromadb.Collection | None = None
        self._texts: dict[str, str] = {}

    def sync(self, texts: Mapping[str, str]) -> int:
        """Make the index hold exactly these texts by name, embedding only what differs.

        Returns:
            How many entries were added, embedded again, or removed.

        Raises:
            InfrastructureError: the server or the disk fails.
            LibraryError: the index cannot be built.
        """
        with self._lock:
            self._texts = dict(texts)
            return self._try(self._sync)

    def query(self, text: str, limit: int) -> list[Hit]:
        """The `limit` nearest names, nearest first (then by name); fewer where fewer are held.

        Raises:
            InfrastructureError, LibraryError: as `sync`.
        """
        if limit < 1:
            return []
        (vector,) = self._embedder.embed([text])
        with self._lock:
            return self._try(lambda collection: _nearest(collection, vector, limit))

    def close(self) -> None:
        """Let go of files and connections; the next use opens the index again."""
        with self._lock:
            client, self._client, self._collection = self._client, None, None
            if client is not None:
                _close(client)

    def _try(self, action: Callable[[chromadb.Collection], T]) -> T:
        """Do it; where the index fails, build it anew and do it once more."""
        try:
            return action(self._open())
        except _FAILURES as error:
            self.close()
            if not isinstance(error, NotFoundError):
                self._place.mend(error)
        try:
            self._sync(self._open())
            return action(self._open())
        except _FAILURES as error:
            self.close()
            raise LibraryError(f"the index of the skill library cannot be built anew: {_said(error)}") from error

    def _open(self) -> chromadb.Collection:
        if self._collection is None:
            self._client = self._client or self._place.connect()
            self._collection = self._client.get_or_create_collection(
                self._name,
                metadata={"embedder": self._embedder.name},
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )
        return self._collection

    def _sync(self, collection: chromadb.Collection) -> int:
        held = _held(collection)
        wanted = {name: _hash(text) for name, text in self._texts.items()}
        gone = sorted(held.keys() - wanted.keys())
        differing = sorted(name for name, digest in wanted.items() if held.get(name) != digest)
        for start in range(0, len(gone), _BATCH):
            collection.delete(ids=gone[start : start + _BATCH])
        for start in range(0, len(differing), _BATCH):
            self._add(collection, differing[start : start + _BATCH], wanted)
        return len(gone) + len(differing)

    def _add(self, collection: chromadb.Collection, names: list[str], hashes: Mapping[str, str]) -> None:
        texts = [self._texts[name] for name in names]
        vectors: Any = self._embedder.embed(texts)
        collection.upsert(
            ids=names,
            embeddings=vectors,
            documents=texts,
            metadatas=[{"sha256": hashes[name]} for name in names],
        )


class _Folder:
    """An embedded index."""

    def __init__(self, path: Path, listener: Listener) -> None:
        self._path = path
        self._listener = listener

    def connect(self) -> Client:
        """A client with a system of its own: Chroma keeps one for each path in a process, and would hand
        out a broken one, or one whose files are gone, for ever."""
        settings = Settings(anonymized_telemetry=False, is_persistent=True, persist_directory=str(self._path))
        system = System(settings)
        api: Any = ServerAPI  # abstract: the system makes the implementation the settings name
        with self._locked():
            system.instance(api)
            system.start()
            return Client.from_system(system)

    def mend(self, error: Exception) -> None:
        """Move a damaged index aside."""
        said = _said(error)
        if not is_damage(said):
            text = f"the index in {self._path} cannot be used: {said}; free the disk, or close what uses it"
            raise InfrastructureError(text) from error
        with self._locked():
            aside = move_aside(self._path)
        text = f"the index in {self._path} was damaged and is built anew, the old one is in {aside.name} ({said})"
        self._listener(Notice(kind="library", text=text))

    def _locked(self) -> AbstractContextManager[None]:
        """Two processes neither set up nor move aside the same folder at once."""
        return locked(self._path.with_name(f".{self._path.name}.lock"), _LOCK_SECONDS)


class _Server:
    """An index on a Chroma server."""

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"Chroma server {url!r}: write it as http://host:port")
        self._host = parts.hostname
        self._ssl = parts.scheme == "https"
        self._port = parts.port or (443 if self._ssl else 8000)

    def connect(self) -> Client:
        """A client with connections of its own."""
        settings = Settings(anonymized_telemetry=False)
        client = chromadb.HttpClient(host=self._host, port=self._port, ssl=self._ssl, settings=settings)
        return cast(Client, client)

    def mend(self, error: Exception) -> None:
        """Nothing can be mended from here."""
        text = (
            f"the Chroma server {self._url} fails: {_said(error)}; start it, or leave chroma_url out for a local index"
        )
        raise InfrastructureError(text) from error


def open_index(
    root: Path, embedder: Embedder, *, chroma_url: str | None = None, listener: Listener = silent
) -> ChromaIndex:
    """The index of one library; nothing is opened before its first use.

    Args:
        root: the library's folder. A local index is in `root/index`. On a server the collection's name is made
            from this machine's name and the folder, so that libraries do not mix.
        embedder: makes the vectors.
        chroma_url: a server, as `http://host:port`; None: a local index.
        listener: told when a damaged index is built anew.

    Raises:
        UsageError: no such URL.
    """
    if chroma_url is None:
        return ChromaIndex(_Folder(root / "index", listener), embedder)
    owner = _hash(f"{platform.node()}:{root.resolve()}")[:12]
    return ChromaIndex(_Server(chroma_url), embedder, collection=f"skills-{owner}")


def chroma_embedding() -> Callable[[list[str]], list[list[float]]]:
    """Chroma's own embedding model (all-MiniLM-L6-v2 under onnxruntime), which it downloads at its first use."""
    from chromadb.utils.embedding_functions import DefaultEmbeddingFunction

    function: Any = DefaultEmbeddingFunction()

    def embed(texts: list[str]) -> list[list[float]]:
        try:
            return [[float(value) for value in vector] for vector in function(texts)]
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise InfrastructureError(f"Chroma's own embedding model cannot be loaded: {_said(error)}") from error

    return embed


def _held(collection: chromadb.Collection) -> dict[str, str]:
    """Content hashes by name."""
    answer = collection.get(include=["metadatas"])
    hashes = ((metadata or {}).get("sha256", "") for metadata in answer["metadatas"] or [])
    return {name: str(digest) for name, digest in zip(answer["ids"], hashes, strict=True)}


def _nearest(collection: chromadb.Collection, vector: list[float], limit: int) -> list[Hit]:
    vectors: Any = [vector]
    answer = collection.query(query_embeddings=vectors, n_results=limit, include=["distances"])
    distances = (answer["distances"] or [[]])[0]
    hits = [Hit(name, max(0.0, float(distance))) for name, distance in zip(answer["ids"][0], distances, strict=True)]
    return sorted(hits, key=lambda hit: (round(hit.distance, 6), hit.name))


def _collection_name(base: str, embedder: str) -> str:
    """A name Chroma takes (letters, digits, dots, dashes), unlike for unlike embedders."""
    name = f"{base}-{embedder}"
    plain = re.sub(r"[^a-zA-Z0-9._-]+", "-", name)[:200].strip("-._")
    return plain if plain == name else f"{plain}-{_hash(name)[:8]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _close(client: Client) -> None:
    """Close a client, and the connections which an HTTP client leaves open (chromadb 1.5)."""
    owners = (client, getattr(client, "_admin_client", None))
    sessions = [getattr(getattr(owner, "_server", None), "_session", None) for owner in owners]
    client.close()
    for session in sessions:
        if session is not None:
            session.close()
