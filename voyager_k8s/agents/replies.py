"""Reads what a model wrote: one object, or fenced blocks. What does not fit is a `ReplyError` whose
message the model is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import JsonValue, ValidationError

from voyager_k8s.core.base import Model, one_line
from voyager_k8s.core.conversation import Message, ModelRequest, Role
from voyager_k8s.core.errors import ReplyError, UsageError
from voyager_k8s.core.ports import ChatModel

__all__ = ["Fence", "ask", "fences", "load", "parse_object", "plain", "read_yaml"]

T = TypeVar("T")
M = TypeVar("M", bound=Model)

_FENCE = re.compile(
    r"^(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)[^\n]*\n(?P<body>.*?)^(?P=mark)[ \t]*$", re.M | re.S
)


class Fence(NamedTuple):
    """One fenced block."""

    language: str
    body: str


def fences(text: str) -> list[Fence]:
    """All fenced blocks, in order."""
    return [Fence(found["language"].lower(), found["body"]) for found in _FENCE.finditer(text.replace("\r\n", "\n"))]


def parse_object(text: str, shape: type[M]) -> M:
    """Read the one object of a reply: bare JSON or YAML, or in a fenced block (the last one that is data).

    Raises:
        ReplyError: there is none, it does not parse, or it is not of the shape.
    """
    blocks = [fence.body for fence in fences(text) if fence.language in ("", "json", "yaml", "yml")]
    data = load(blocks[-1] if blocks else text)
    if not isinstance(data, dict):
        raise ReplyError(f"the reply must be one object with the keys {', '.join(shape.model_fields)}")
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise ReplyError(one_line(error)) from error


def load(text: str) -> JsonValue:
    """Read JSON or YAML as plain data.

    Raises:
        ReplyError: it is neither, or JSON has no form for what is in it.
    """
    try:
        return plain(_json_or_yaml(text))
    except _YAML_FAILURES as error:
        raise ReplyError(f"the reply is neither JSON nor YAML: {' '.join(str(error).split())}") from error


_YAML_FAILURES = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
"""What reading YAML can fail with: PyYAML lets most of these through, for a date like 2024-13-45, a tag that does
not fit its value, or brackets without end."""


def _json_or_yaml(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return yaml.safe_load(text)


def read_yaml(path: Path, what: str) -> JsonValue:
    """Read a person's YAML file as plain data.

    Args:
        what: the file is, for the message.

    Raises:
        UsageError: it cannot be read, or is not YAML.
    """
    try:
        return plain(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise UsageError(f"the {what} {path} cannot be read: {error.strerror}") from error
    except _YAML_FAILURES as error:
        raise UsageError(f"the {what} {path} is not YAML: {' '.join(str(error).split())}") from error


def plain(data: object) -> JsonValue:
    """Data as JSON has it: keys are strings, and a date is the text it was written as.

    Raises:
        ValueError: JSON has no form for it: infinity, half a surrogate pair, a list inside itself, an object.
    """
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, default=_as_text)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"JSON has no form for it: {error}") from error
    value: JsonValue = json.loads(text)
    return value


def _as_text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")


def ask(
    model: ChatModel,
    role: Role,
    task: str,
    prompt: Sequence[Message],
    read: Callable[[str], T],
    *,
    tries: int,
    schema: type[Model] | None = None,
) -> T:
    """Ask until the reply can be read; a reply that cannot is shown back with what is wrong with it.

    Args:
        read: turns a reply's text into the answer, or raises `ReplyError`.
        tries: replies asked for in all.

    Raises:
        ReplyError: the last reply could not be read either.
        ModelError: the model did not answer.
    """
    messages = list(prompt)
    for remaining in reversed(range(tries)):
        request = ModelRequest(
            role=role,
            task=task,
            messages=tuple(messages),
            reply_schema=_schema(schema) if schema else None,
        )
        text = model.complete(request).text
        try:
            return read(text)
        except ReplyError as error:
            if not remaining:
                raise
            complaint = f"That reply cannot be used: {error}\nAnswer again, complete and in the form asked for."
            messages = [*prompt, Message(author="ai", text=text), Message(author="human", text=complaint)]
    raise ReplyError("no reply was asked for")


def _schema(shape: type[Model]) -> dict[str, Any]:
    """The JSON schema of an object wanted, without the titles that say each key again: they are paid for."""
    return {"title": shape.__name__.lstrip("_"), **_untitled(shape.model_json_schema(by_alias=True))}


def _untitled(node: Any) -> Any:
    if isinstance(node, list):
        return [_untitled(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _untitled(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
