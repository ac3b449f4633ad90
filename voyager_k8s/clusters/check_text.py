"""A check in one line, as prompts and reports show it. The same check always gives the same line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from voyager_k8s.core.base import Manifest
from voyager_k8s.core.paths import field, identity_of, in_list
from voyager_k8s.core.task import AbsentCheck, AnswerCheck, AssertCheck, CanCheck, Check, ExpressionCheck, Reference

__all__ = ["check_text", "object_text"]


def check_text(check: Check) -> str:
    """`assert Deployment/web: spec.replicas=3`."""
    if isinstance(check, AssertCheck):
        return f"assert {_manifest(check.assert_)}"
    if isinstance(check, AbsentCheck):
        return f"absent {_manifest(check.absent)}"
    if isinstance(check, ExpressionCheck):
        return _expression(check)
    if isinstance(check, CanCheck):
        return _can(check)
    return _answer(check)


def object_text(kind: str, name: str | None, namespace: str | None = None) -> str:
    """`Deployment/web`, `any Pod`; with the namespace where it is not the workspace's own."""
    text = f"{kind}/{name}" if name else f"any {kind}"
    return f"{text} in {namespace}" if namespace else text


def _manifest(manifest: Manifest) -> str:
    metadata = manifest.get("metadata") or {}
    head = object_text(manifest["kind"], metadata.get("name"), metadata.get("namespace"))
    rest = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata")}
    others = {key: value for key, value in metadata.items() if key not in ("name", "namespace")}
    fields = {"metadata": others} | rest if others else rest
    return f"{head}: {', '.join(_leaves('', fields))}" if fields else head


def _expression(check: ExpressionCheck) -> str:
    names = ", ".join(f"{name}={_reference(each)}" for name, each in check.with_.items())
    text = " ".join(check.expression.split())
    return f"expression {text}" + (f" (with {names})" if names else "")


def _reference(reference: Reference) -> str:
    labels = ",".join(f"{key}={value}" for key, value in reference.labels.items())
    head = object_text(reference.kind, reference.name, reference.namespace).replace("any ", "every ", 1)
    return f"{head} [{labels}]" if labels else head


def _can(check: CanCheck) -> str:
    permission = check.can
    what = f"{permission.resource}/{permission.name}" if permission.name else permission.resource
    word = "can" if permission.allowed else "cannot"
    return f"can ServiceAccount/{permission.service_account}: {word} {permission.verb} {what}"


def _answer(check: AnswerCheck) -> str:
    return f"answer {', '.join(_leaves('', check.answer))}"


def _leaves(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves(field(path, key), each)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        key = identity_of(value)
        for place, each in enumerate(value):
            rest = {name: inner for name, inner in each.items() if name != key}
            where = in_list(path, each[key] if key else place)
            yield from _leaves(where, rest) if rest else [where]
    else:
        text = value if isinstance(value, str) and value else json.dumps(value)
        yield f"{path}={text}" if path else text
