"""A chat model for tests: it answers what it was told to, and keeps what it was asked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from voyager_k8s.core.conversation import ModelReply, ModelRequest, Role
from voyager_k8s.core.errors import ModelError

__all__ = ["ScriptedModel"]

Answer = Callable[[ModelRequest], str]


class ScriptedModel:
    """Answers from a script.

    Args:
        script: replies by role, each role's in the order of its questions; or a function from request to reply.
    """

    def __init__(self, script: Mapping[Role, Iterable[str]] | Answer) -> None:
        self._answer = script if callable(script) else None
        self._replies = {} if callable(script) else {role: deque(replies) for role, replies in script.items()}
        self._lock = threading.Lock()
        self.requests: list[ModelRequest] = []
        """Every request, in the order asked."""

    def complete(self, request: ModelRequest) -> ModelReply:
        """Answer one request; tokens are counted as words.

        Raises:
            ModelError: the script has no reply left for the role.
        """
        with self._lock:
            self.requests.append(request)
            text = self._next(request) if self._answer is None else None
        if text is None:
            assert self._answer is not None
            text = self._answer(request)
        words = sum(len(message.text.split()) for message in request.messages)
        return ModelReply(text=text, model="scripted", prompt_tokens=words, reply_tokens=len(text.split()))

    def asked(self, role: Role) -> list[ModelRequest]:
        """The requests of one role, in the order asked."""
        return [request for request in self.requests if request.role == role]

    def _next(self, request: ModelRequest) -> str:
        replies = self._replies.get(request.role)
        if not replies:
            number = len(self.asked(request.role))
            raise ModelError(f"the script has no reply number {number} for {request.role} (at {request.task})")
        return replies.popleft()
