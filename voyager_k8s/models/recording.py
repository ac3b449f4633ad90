"""Records a cassette while a model answers."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from voyager_k8s.core.conversation import ModelReply, ModelRequest, prompt_hash
from voyager_k8s.core.errors import InfrastructureError, UsageError
from voyager_k8s.core.ports import ChatModel
from voyager_k8s.core.progress import Listener, Notice, silent
from voyager_k8s.models.cassette import TITLE, Entry, read_cassette, write_entry

__all__ = ["RecordingModel"]


class RecordingModel:
    """Passes requests on and appends every reply to a cassette, which is made where it is missing.

    What a killed recording left unfinished at the end of the file is cut off first.

    Raises:
        UsageError: the file is no cassette, or cannot be written.
    """

    def __init__(self, inner: ChatModel, path: Path, listener: Listener = silent) -> None:
        self._inner = inner
        self._path = path
        self._lock = threading.Lock()
        try:
            self._prepare(listener)
        except OSError as error:
            raise UsageError(f"cannot record to {path}: {error.strerror}") from error

    def _prepare(self, listener: Listener) -> None:
        if not self._path.exists() or self._path.stat().st_size == 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(TITLE, encoding="utf-8", newline="\n")
            return
        cassette = read_cassette(self._path)
        if cassette.torn_at is not None:
            os.truncate(self._path, cassette.intact_bytes)
            text = f"{self._path}:{cassette.torn_at}: an unfinished entry was cut off"
            listener(Notice(kind="warning", text=text))

    def complete(self, request: ModelRequest) -> ModelReply:
        """Answer one request and record the reply; a failure is not recorded.

        Raises:
            ModelError: from the model itself.
            InfrastructureError: the reply cannot be written (a full disk).
        """
        reply = self._inner.complete(request)
        entry = Entry(
            role=request.role,
            task=request.task,
            ordinal=request.ordinal,
            prompt=prompt_hash(request.messages),
            model=reply.model,
            prompt_tokens=reply.prompt_tokens,
            reply_tokens=reply.reply_tokens,
            seconds=round(reply.seconds, 3),
            reply=reply.text,
        )
        with self._lock:
            self._append(write_entry(entry).encode())
        return reply

    def _append(self, data: bytes) -> None:
        """Write the whole entry or nothing of it."""
        try:
            with self._path.open("ab", buffering=0) as file:
                size = file.tell()
                written = file.write(data)
                if written != len(data):
                    file.truncate(size)
                    raise OSError(None, "the disk took only a part of it; is it full?")
        except OSError as error:
            raise InfrastructureError(f"cannot record to {self._path}: {error.strerror}; free some space") from error
