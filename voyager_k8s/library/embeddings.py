"""What turns descriptions into vectors, by configuration. Each SDK is imported when it is chosen.

`wordllama` is the default: its weights are in its wheel, so nothing is downloaded.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from voyager_k8s.core.config import EmbeddingConfig
from voyager_k8s.core.errors import InfrastructureError, PrerequisiteError, UsageError

__all__ = ["FunctionEmbedder", "open_embedder"]

Vectors = Iterable[Iterable[float]]

_WORDLLAMA = "l2_supercat"
_WORDLLAMA_SIZE = 256
_OPENAI = "text-embedding-3-small"
_OPENAI_BATCH = 512
"""Texts in one request; 2,048 are allowed: https://platform.openai.com/docs/api-reference/embeddings/create"""
_SENTENCE_TRANSFORMERS = "all-MiniLM-L6-v2"


class FunctionEmbedder:
    """An embedder from any function from texts to vectors, which need not be of unit length."""

    def __init__(self, name: str, function: Callable[[list[str]], Vectors]) -> None:
        self._name = name
        self._function = function

    @property
    def name(self) -> str:
        """Identifies model and size: vectors of different names are never mixed."""
        return self._name

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit-length vector for each text, in order."""
        return [_unit(vector) for vector in self._function(list(texts))] if texts else []


def open_embedder(config: EmbeddingConfig, api_key: str | None = None, base_url: str | None = None) -> FunctionEmbedder:
    """Set up the configured embedding model.

    Args:
        config: provider and model.
        api_key: for `openai`.
        base_url: for `openai`, another endpoint that speaks its protocol.

    Raises:
        UsageError: an unknown model, or a missing key.
        PrerequisiteError: the provider's package is not installed.
    """
    match config.provider:
        case "wordllama":
            return _wordllama(config.model or _WORDLLAMA)
        case "openai":
            return _openai(config.model or _OPENAI, api_key, base_url)
        case "sentence-transformers":
            return _sentence_transformers(config.model or _SENTENCE_TRANSFORMERS)
        case "chroma":
            return _chroma(config.model)


def _wordllama(model: str) -> FunctionEmbedder:
    with _logging_left_alone():
        import wordllama

    if model != _WORDLLAMA:
        raise UsageError(f"unknown wordllama model {model!r}; the one whose weights are installed is {_WORDLLAMA}")
    # Its own folder as the cache: there the tokenizer is found as well, and nothing is fetched.
    folder = Path(wordllama.__file__).parent
    loaded: Any = wordllama.WordLlama.load(config=model, dim=_WORDLLAMA_SIZE, cache_dir=folder, disable_download=True)
    return FunctionEmbedder(f"wordllama-{model}-{_WORDLLAMA_SIZE}", lambda texts: loaded.embed(texts).tolist())


@contextmanager
def _logging_left_alone() -> Iterator[None]:
    """wordllama sets up the root logger at INFO when it is imported, and every library would begin to talk."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def _openai(model: str, api_key: str | None, base_url: str | None) -> FunctionEmbedder:
    import openai

    if not api_key:
        raise UsageError(f"no API key for the embedding model openai:{model}: set OPENAI_API_KEY")
    client = openai.OpenAI(api_key=api_key, base_url=base_url)

    def ask(texts: list[str]) -> Vectors:
        try:
            for start in range(0, len(texts), _OPENAI_BATCH):
                batch = texts[start : start + _OPENAI_BATCH]
                answer = client.embeddings.create(model=model, input=batch, encoding_format="float")
                yield from (item.embedding for item in sorted(answer.data, key=lambda item: item.index))
        except openai.OpenAIError as error:
            where = f"openai:{model} at {client.base_url}"
            raise InfrastructureError(f"the embedding model {where} failed: {' '.join(str(error).split())}") from error

    return FunctionEmbedder(f"openai-{model}", ask)


def _sentence_transformers(model: str) -> FunctionEmbedder:
    try:
        module: Any = import_module("sentence_transformers")  # by name: it is not among the dependencies
    except ImportError as error:
        text = "the embedding provider sentence-transformers is not installed: pip install sentence-transformers"
        raise PrerequisiteError(text) from error
    try:
        loaded = module.SentenceTransformer(model)
    except (OSError, ValueError) as error:
        raise UsageError(f"the sentence-transformers model {model!r} cannot be loaded: {error}") from error
    return FunctionEmbedder(f"sentence-transformers-{model}", lambda texts: loaded.encode(texts).tolist())


def _chroma(model: str | None) -> FunctionEmbedder:
    from voyager_k8s.library.index import chroma_embedding

    if model is not None:
        raise UsageError(f"the embedding provider chroma has one model and takes no name ({model!r}): leave it out")
    return FunctionEmbedder("chroma-default", chroma_embedding())


def _unit(vector: Iterable[float]) -> list[float]:
    """Scaled to length 1; a vector of zeros (a text without a known token) points along the first axis."""
    values = [float(value) for value in vector]
    length = math.sqrt(sum(value * value for value in values))
    if length == 0.0:
        return [1.0, *values[1:]]
    return [value / length for value in values]
