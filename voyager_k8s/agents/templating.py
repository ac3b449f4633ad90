"""Jinja2, in one place: prompts are files rendered strictly; tasks are templates bound to values.

A task's strings come from a model, so they are rendered in Jinja2's sandbox. A string that is nothing
but one `{{ expression }}` takes that expression's value with its type, so that `replicas: "{{ replicas }}"`
becomes a number; any other string is rendered as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import jinja2
import jinja2.sandbox
from pydantic import JsonValue, ValidationError

from voyager_k8s.agents.rendering import shorten
from voyager_k8s.agents.replies import plain
from voyager_k8s.core.base import one_line
from voyager_k8s.core.errors import ReplyError, TaskRejected
from voyager_k8s.core.task import BoundTask, Task, Values

__all__ = ["bind_arguments", "bind_task", "render_prompt"]

_WHOLE_EXPRESSION = re.compile(r"[ \t]*\{\{-?(?P<expression>(?:(?!-?\}\}).)*)-?\}\}[ \t]*", re.DOTALL)
_FAILURES = (
    *(jinja2.TemplateError, SyntaxError, TypeError, ValueError, ArithmeticError),
    *(LookupError, AttributeError, NameError, RecursionError, MemoryError),
)
"""What a template can fail with: whatever Python's operators and Jinja2's filters raise on the wrong values."""


def render_prompt(name: str, **context: object) -> str:
    """Render `prompts/<name>.j2`. A variable the template uses and the context lacks is an error."""
    return _prompts().get_template(f"{name}.j2").render(**context).strip() + "\n"


@cache
def _prompts() -> jinja2.Environment:
    prompts = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "prompts"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  prompts are plain text, not HTML
    )
    prompts.filters["tojson"] = partial(json.dumps, ensure_ascii=False)  # Jinja2's own writes & and ' as for HTML
    return prompts


def bind_task(task: Task, values: Values, namespace: str) -> BoundTask:
    """Put one set of values, and the namespace, into a task.

    Raises:
        TaskRejected: a template uses a name that is no parameter, or does not parse, or what comes out
            is no valid manifest or check.
    """
    context = {**values, "namespace": namespace}
    bound = {
        "id": task.id,
        "goal": _text(task.goal, context),
        "search_terms": _text(task.search_terms, context),
        "values": context,
        "setup": [_fill(manifest, context) for manifest in task.setup],
        "checks": [_fill(check.model_dump(by_alias=True, exclude_unset=True), context) for check in task.checks],
    }
    try:
        return BoundTask.model_validate(bound)
    except ValidationError as error:
        raise TaskRejected(f"with the values {values}: {one_line(error)}") from error


def bind_arguments(arguments: Values, values: Values) -> Values:
    """Put a task's values (`namespace` among them) into a program's argument templates.

    Raises:
        ReplyError: a template uses a name that is not there, or does not parse.
    """
    try:
        return {name: _fill(value, values) for name, value in arguments.items()}
    except TaskRejected as error:
        raise ReplyError(f"the arguments: {error}") from error


@cache
def _sandbox() -> jinja2.Environment:
    return jinja2.sandbox.ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True
    )


@lru_cache(maxsize=4096)  # one task is bound several times an attempt
def _template(text: str) -> jinja2.Template:
    return _sandbox().from_string(text)


@lru_cache(maxsize=4096)
def _expression(text: str) -> Callable[..., Any]:
    return _sandbox().compile_expression(text, undefined_to_none=False)


def _fill(value: Any, context: Values) -> Any:
    match value:
        case str():
            return _string(value, context)
        case dict():
            return {_text(key, context): _fill(inner, context) for key, inner in value.items()}
        case list() | tuple():
            return [_fill(inner, context) for inner in value]
    return value


def _string(text: str, context: Values) -> JsonValue:
    whole = _WHOLE_EXPRESSION.fullmatch(text)
    if whole is None:
        return _text(text, context)
    try:
        value = _expression(whole["expression"])(context)
        if isinstance(value, jinja2.Undefined):
            raise jinja2.UndefinedError(f"{whole['expression'].strip()!r} is undefined")
        return plain(value)
    except _FAILURES as error:
        raise _rejected(text, context, error) from error


def _text(text: str, context: Values) -> str:
    if "{" not in text:
        return text
    try:
        return _template(text).render(context)
    except _FAILURES as error:
        raise _rejected(text, context, error) from error


def _rejected(text: str, context: Values, error: Exception) -> TaskRejected:
    said = f"the template {shorten(repr(text), 300)} fails: {error}"
    return TaskRejected(f"{said}; the parameters are {', '.join(sorted(context))}")
