"""An embedder that needs no weights: texts are near when they share words."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from voyager_k8s.library.embeddings import FunctionEmbedder

__all__ = ["CountingEmbedder", "word_embedder"]


def word_embedder(name: str = "words", size: int = 64) -> FunctionEmbedder:
    """Counts words, each in one of `size` places."""

    def vector(text: str) -> list[float]:
        counts = [0.0] * size
        for word in re.findall(r"[a-z]+", text.lower()):
            counts[zlib.crc32(word.encode()) % size] += 1.0
        return counts

    return FunctionEmbedder(name, lambda texts: [vector(text) for text in texts])


class CountingEmbedder:
    """Keeps what it was given."""

    def __init__(self, name: str = "words", size: int = 64) -> None:
        self._inner = word_embedder(name, size)
        self.embedded: list[str] = []

    @property
    def name(self) -> str:
        return self._inner.name

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.embedded.extend(texts)
        return self._inner.embed(texts)
