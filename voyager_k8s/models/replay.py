"""Replays a cassette as a LangChain chat model, so that it takes the same way as any other."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict, PrivateAttr

from voyager_k8s.core.config import ModelConfig
from voyager_k8s.core.conversation import Message, prompt_hash
from voyager_k8s.core.errors import CassetteError
from voyager_k8s.core.progress import Listener, Notice, silent
from voyager_k8s.models.cassette import Entry, read_cassette
from voyager_k8s.models.chat import LangChainModel

__all__ = ["CassetteChatModel", "ReplayModel", "open_cassette"]

Key = tuple[str, str, int]


class CassetteChatModel(BaseChatModel):
    """Answers with recorded replies. Which one is wanted is in the run's metadata: `role`, `task`, `ordinal`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    path: Path
    """Of the cassette, for messages."""
    entries: Mapping[Key, Entry]
    """Recorded replies by role, task and ordinal."""
    strict: bool = False
    """Refuse a reply whose prompt differs from the one at hand."""
    listener: Listener = silent
    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    _replies: int = PrivateAttr(default=0)
    _mismatches: int = PrivateAttr(default=0)

    @property
    def replies(self) -> int:
        """How many replies were given."""
        return self._replies

    @property
    def mismatches(self) -> int:
        """How many of them answered another prompt when they were recorded."""
        return self._mismatches

    @property
    def _llm_type(self) -> str:
        return "cassette"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        metadata = run_manager.metadata if run_manager else {}
        key = (str(metadata.get("role", "")), str(metadata.get("task", "")), int(metadata.get("ordinal", 0)))
        entry = self.entries.get(key)
        if entry is None:
            raise CassetteError(self._missing(key))
        self._count(entry, entry.prompt == _hash(messages))
        return ChatResult(generations=[ChatGeneration(message=_message(entry))])

    def _count(self, entry: Entry, same: bool) -> None:
        if self.strict and not same:
            raise CassetteError(
                f"{self.path}: {_name(entry.key)} was recorded for another prompt (hash {entry.prompt}); "
                "replay without --strict-replay, or record again with --record"
            )
        with self._lock:
            self._replies += 1
            self._mismatches += not same
            first = not same and self._mismatches == 1
        if first:
            text = (
                f"{self.path}: {_name(entry.key)} was recorded for another prompt; it is used all the same, "
                "and further ones are counted"
            )
            self.listener(Notice(kind="model", text=text))

    def _missing(self, key: Key) -> str:
        role, task, _ = key
        return f"{self.path} has no reply for {_name(key)}; {self._nearest(role, task)}; record it with --record"

    def _nearest(self, role: str, task: str) -> str:
        ordinals = sorted(number for of, at, number in self.entries if (of, at) == (role, task))
        if ordinals:
            return f"for {role} at {task} it has {', '.join(f'#{number}' for number in ordinals)}"
        tasks = sorted({at for of, at, _ in self.entries if of == role})
        if tasks:
            return f"for {role} it has the tasks {_some(tasks)}"
        return f"it has nothing for {role} ({len(self.entries)} replies in all)"


class ReplayModel(LangChainModel):
    """A cassette behind the `ChatModel` port."""

    def __init__(self, cassette: CassetteChatModel) -> None:
        config = ModelConfig(model=f"cassette:{cassette.path}", attempts=1, structured=False)
        super().__init__(cassette, config, cassette.listener)
        self._cassette = cassette

    @property
    def replies(self) -> int:
        """How many replies were given."""
        return self._cassette.replies

    @property
    def mismatches(self) -> int:
        """How many of them answered another prompt when they were recorded."""
        return self._cassette.mismatches


def open_cassette(path: Path, strict: bool = False, listener: Listener = silent) -> ReplayModel:
    """Replay a cassette; of two replies with the same role, task and ordinal the later one counts.

    Args:
        path: the cassette.
        strict: refuse a recorded reply whose prompt differs from the one at hand.
        listener: told of the first such reply, and of an unfinished entry.

    Raises:
        UsageError: the file is missing, or not a cassette, with the line that is wrong.
    """
    cassette = read_cassette(path)
    if cassette.torn_at is not None:
        text = f"{path}:{cassette.torn_at}: the last entry is unfinished and does not count"
        listener(Notice(kind="warning", text=text))
    entries = {entry.key: entry for entry in cassette.entries}
    return ReplayModel(CassetteChatModel(path=path, entries=entries, strict=strict, listener=listener))


def _name(key: Key) -> str:
    role, task, ordinal = key
    return f"{role} at {task} #{ordinal}"


def _some(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _hash(messages: Sequence[BaseMessage]) -> str:
    return prompt_hash([Message(author=cast(Any, message.type), text=str(message.text)) for message in messages])


def _message(entry: Entry) -> AIMessage:
    prompt, reply = entry.prompt_tokens, entry.reply_tokens
    return AIMessage(
        content=entry.reply,
        response_metadata={"model_name": entry.model},
        usage_metadata={"input_tokens": prompt, "output_tokens": reply, "total_tokens": prompt + reply},
    )
