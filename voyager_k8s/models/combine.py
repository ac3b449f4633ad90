"""Several models as one: a fallback behind each other, and one model per role."""

from __future__ import annotations

from collections.abc import Mapping

from voyager_k8s.core.conversation import ModelReply, ModelRequest, Role
from voyager_k8s.core.errors import ModelError
from voyager_k8s.core.ports import ChatModel
from voyager_k8s.core.progress import Listener, Notice, silent

__all__ = ["FallbackModel", "RoleModels"]


class FallbackModel:
    """Asks the second model when the first has failed all its tries."""

    def __init__(self, first: ChatModel, second: ChatModel, listener: Listener = silent) -> None:
        self._first = first
        self._second = second
        self._listener = listener

    def complete(self, request: ModelRequest) -> ModelReply:
        """Answer one request.

        Raises:
            ModelError: both failed; the message has both reasons.
        """
        try:
            return self._first.complete(request)
        except ModelError as error:
            self._listener(Notice(kind="model", text=f"{error}; the fallback is asked"))
            return self._ask_second(request, error)

    def _ask_second(self, request: ModelRequest, first: ModelError) -> ModelReply:
        try:
            return self._second.complete(request)
        except ModelError as second:
            raise ModelError(f"{first}; and the fallback: {second}") from second


class RoleModels:
    """Each role's own model, the default one for the rest."""

    def __init__(self, default: ChatModel, roles: Mapping[Role, ChatModel]) -> None:
        self._default = default
        self._roles = dict(roles)

    def complete(self, request: ModelRequest) -> ModelReply:
        """Answer one request by the model of its role."""
        return self._roles.get(request.role, self._default).complete(request)
