"""Every question of a campaign passes here: it is numbered, answered, journaled and filed."""

from __future__ import annotations

from voyager_k8s.core.conversation import ModelReply, ModelRequest, prompt_hash
from voyager_k8s.core.ports import ChatModel
from voyager_k8s.learning.artefacts import Artefacts
from voyager_k8s.learning.journal import Journal
from voyager_k8s.learning.record import Phases

__all__ = ["JournaledModel"]


class JournaledModel:
    """A chat model that remembers what it was asked. The time of a reply goes to the phase `model`.

    Args:
        inner: answers.
    """

    def __init__(self, inner: ChatModel, journal: Journal, artefacts: Artefacts) -> None:
        self._inner = inner
        self._journal = journal
        self._artefacts = artefacts
        self.phases: dict[str, Phases] = {}
        """By task: where the time of its replies is added."""

    def complete(self, request: ModelRequest) -> ModelReply:
        """Number the request, have it answered, and keep both.

        Raises:
            ModelError: the model does not answer.
        """
        ordinal = self._journal.next_ordinal(request.role, request.task)
        numbered = request.model_copy(update={"ordinal": ordinal})
        with self.phases.setdefault(request.task, Phases()).measure("model"):
            reply = self._inner.complete(numbered)
        self._journal.called(numbered, reply, prompt_hash(numbered.messages))
        self._artefacts.call(numbered, reply)
        return reply
