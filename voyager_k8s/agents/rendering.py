"""How the world is shown in a prompt: snapshots, changes, events and executions as text, each within a
budget of characters, with a note of what was left out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import yaml
from pydantic import JsonValue

from voyager_k8s.core.base import Manifest
from voyager_k8s.core.program import Execution
from voyager_k8s.core.verdict import CheckResult
from voyager_k8s.core.world import Change, Event, FieldChange, Snapshot

__all__ = ["fit", "shorten", "show_changes", "show_checks", "show_events", "show_execution", "show_snapshot"]

NOTHING = "(nothing)"
USUAL = frozenset(
    {"Available", "ContainersReady", "Initialized", "PodReadyToStartContainers", "PodScheduled", "Progressing", "Ready"}
)
"""Conditions of a Pod and a Deployment that are true when nothing is wrong."""


def fit(blocks: Iterable[str], budget: int, what: str) -> str:
    """Join blocks by newlines up to `budget` characters; the first always comes, cut if it must be."""
    kept: list[str] = []
    left = budget
    rest = 0
    for block in blocks:
        if rest or (kept and len(block) > left):
            rest += 1
            continue
        kept.append(shorten(block, max(left, 1)))
        left -= len(block) + 1
    if rest:
        kept.append(f"({rest} more {what} left out)")
    return "\n".join(kept) or NOTHING


def shorten(text: str, limit: int) -> str:
    """At most about `limit` characters: the beginning and the end, where errors say what they are."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n[... {len(text) - head - tail} characters left out ...]\n{text[len(text) - tail :]}"


def show_snapshot(snapshot: Snapshot, budget: int) -> str:
    """Every object as compact YAML."""
    return fit((_object(manifest) for _, manifest in sorted(snapshot.objects.items())), budget, "objects")


def _object(manifest: Manifest) -> str:
    shown = {key: value for key, value in manifest.items() if value not in ({}, [], None)}
    return "- " + _yaml(shown).replace("\n", "\n  ")


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=160, default_flow_style=None).rstrip()


def show_changes(changes: Sequence[Change], budget: int) -> str:
    """What differs, object by object."""
    return fit((_change(change) for change in changes), budget, "changed objects")


def _change(change: Change) -> str:
    if change.action == "created":
        return f"+ {change.key}\n    " + _yaml(_told(change.manifest)).replace("\n", "\n    ")
    if change.action == "deleted":
        return f"- {change.key}"
    return "\n".join([f"~ {change.key}", *(f"    {_field(field)}" for field in change.fields)])


def _told(manifest: Manifest) -> Manifest:
    """What a reader needs of a new object. One that a controller made says what its owner's template says
    already: of it, labels and status are enough."""
    body = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    metadata = {key: value for key, value in body.get("metadata", {}).items() if key != "name"}
    if metadata.get("ownerReferences"):
        body.pop("spec", None)
        metadata = {key: value for key, value in metadata.items() if key == "labels"}
    body["metadata"] = metadata
    if isinstance(body.get("status"), dict):
        body["status"] = _remarkable(body["status"])
    return {key: value for key, value in body.items() if value not in ({}, [], None)}


def _remarkable(status: Manifest) -> Manifest:
    """A status without the conditions that say that all is as usual."""
    conditions = [
        one for one in status.get("conditions", ()) if one.get("status") != "True" or one.get("type") not in USUAL
    ]
    kept = {key: value for key, value in status.items() if key != "conditions"}
    return {**kept, "conditions": conditions} if conditions else kept


def _field(field: FieldChange) -> str:
    return f"{field.path}: {_value(field.before)} -> {_value(field.after)}"


def _value(value: JsonValue) -> str:
    return "(none)" if value is None else shorten(json.dumps(value, sort_keys=True), 400)


def show_events(events: Sequence[Event], budget: int) -> str:
    """Warnings first, because they are what a reader looks for when space is short."""
    ordered = sorted(events, key=lambda event: event.type != "Warning")
    return fit((_event(event) for event in ordered), budget, "events")


def _event(event: Event) -> str:
    times = f" (x{event.count})" if event.count > 1 else ""
    return f"{event.type} {event.reason} {event.object}: {' '.join(event.message.split())}{times}"


def show_execution(execution: Execution, budget: int) -> str:
    """How the run ended, what it returned, printed and raised."""
    lines = [f"It {_ENDINGS[execution.ending]}."]
    if execution.ok:
        lines.append(f"Returned: {shorten(json.dumps(execution.result, sort_keys=True), budget // 2)}")
    if execution.error:
        lines.append(f"Error:\n{shorten(execution.error, budget // 2)}")
    if execution.output:
        lines.append(f"Printed:\n{shorten(execution.output, budget // 3)}")
    return "\n".join(lines)


_ENDINGS = {
    "returned": "returned",
    "raised": "raised an exception",
    "timeout": "was stopped at its time limit",
    "memory": "was stopped at its memory limit",
    "crashed": "ended without returning or raising",
}


def show_checks(results: Sequence[CheckResult]) -> str:
    """Each check with whether it holds, and why not."""
    return "\n".join(_check(result) for result in results) or NOTHING


def _check(result: CheckResult) -> str:
    mark = {True: "holds", False: "FAILS", None: "unknown"}[result.holds]
    kind = " (must stay true)" if result.invariant else ""
    return f"- {mark}{kind}: {result.text}" + (f" -- {result.detail}" if result.detail else "")
