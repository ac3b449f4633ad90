"""What passes between an agent and a chat model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from voyager_k8s.core.base import Model

__all__ = ["Message", "ModelReply", "ModelRequest", "Role", "prompt_hash"]

Role = Literal["curriculum", "action", "critic", "describer"]


class Message(Model):
    """One message of a prompt."""

    author: Literal["system", "human", "ai"]
    text: str


class ModelRequest(Model):
    """One question to a model. Role, task and ordinal name it: a cassette finds its reply by them."""

    role: Role
    task: str
    """The task's id."""
    ordinal: int = 0
    """The how-manieth question of this role at this task, from 1; 0 until the campaign numbers it."""
    messages: tuple[Message, ...]
    reply_schema: dict[str, Any] | None = None
    """JSON schema of the object wanted; None where free text is."""

    @property
    def key(self) -> tuple[str, str, int]:
        """Role, task, ordinal."""
        return self.role, self.task, self.ordinal


class ModelReply(Model):
    """One answer. With a `reply_schema` the text is the object, as JSON or in a fenced block."""

    text: str
    model: str
    prompt_tokens: int = 0
    reply_tokens: int = 0
    seconds: float = 0.0


def prompt_hash(messages: Sequence[Message]) -> str:
    """16 hexadecimal digits of SHA-256 over the messages' authors and texts: whether two prompts are the same."""
    text = json.dumps([[message.author, message.text] for message in messages])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
