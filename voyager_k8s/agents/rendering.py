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

__all__ = [
    "DUMPER",
    "fit",
    "shorten",
    "show_changes",
    "show_checks",
    "show_events",
    "show_execution",
    "show_snapshot",
    "show_unchanged",
]

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's writes the same ten times as fast
NOTHING = "(nothing)"
USUAL = frozenset(
    {"Available", "ContainersReady", "Initialized", "PodReadyToStartContainers", "PodScheduled", "Progressing", "Ready"}
)
"""Conditions of a Pod and a Deployment that are true when nothing is wrong."""

ROUTINE = frozenset({"Created", "Pulled", "Pulling", "Scheduled", "Started", "SuccessfulCreate"})
"""Reasons of events that every healthy Pod has."""


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
    """Every object as compact YAML; what a controller made, briefly, and once where several are alike."""
    objects = sorted(snapshot.objects.items())
    return fit(_grouped("-", ((str(key), _body(manifest)) for key, manifest in objects)), budget, "objects")


def _grouped(mark: str, objects: Iterable[tuple[str, str]]) -> list[str]:
    """Blocks of title and body; titles of the same body share it."""
    titles: dict[str, list[str]] = {}
    for title, body in objects:
        titles.setdefault(body, []).append(title)
    return [f"{mark} {', '.join(names)}{body}" for body, names in titles.items()]


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=DUMPER, sort_keys=False, width=160, default_flow_style=None).rstrip()


def show_changes(changes: Sequence[Change], budget: int) -> str:
    """What differs, object by object: modified, created, deleted."""
    modified = [_modified(change) for change in changes if change.action == "modified"]
    made = ((str(change.key), _body(change.manifest)) for change in changes if change.action == "created")
    gone = [f"- {change.key}" for change in changes if change.action == "deleted"]
    return fit([*modified, *_grouped("+", made), *gone], budget, "changed objects")


def show_unchanged(before: Snapshot, changes: Sequence[Change], budget: int) -> str:
    """Objects that were there before and were not touched: their names, labels and selectors, so that what was made
    can be compared with them."""
    touched = {change.key for change in changes}
    rest = ((str(key), _handles(manifest)) for key, manifest in sorted(before.objects.items()) if key not in touched)
    return fit(_grouped("-", rest), budget, "objects")


def _handles(manifest: Manifest) -> str:
    labels, spec = manifest.get("metadata", {}).get("labels"), manifest.get("spec") or {}
    told = _without_nothing({"labels": labels, "selector": spec.get("selector")})
    return ": " + json.dumps(told, sort_keys=True) if told else ""


def _modified(change: Change) -> str:
    return "\n".join([f"~ {change.key}", *(f"    {_field(field)}" for field in change.fields)])


def _body(manifest: Manifest) -> str:
    """What a reader needs of an object, indented below its title; empty where there is nothing to say. One that a
    controller made says what its owner's template says already: of it, little is enough."""
    metadata = {key: value for key, value in manifest.get("metadata", {}).items() if key != "name"}
    body = {**manifest, "metadata": metadata}
    if metadata.get("ownerReferences"):
        body |= {"metadata": {"labels": metadata.get("labels")}, "spec": _made_spec(manifest.get("spec", {}))}
    if isinstance(body.get("status"), dict):
        body["status"] = _remarkable(body["status"])
    told = _without_nothing({key: value for key, value in body.items() if key not in ("apiVersion", "kind")})
    return "\n    " + _yaml(told).replace("\n", "\n    ") if told else ""


def _made_spec(spec: Manifest) -> Manifest:
    """Of a Pod, who it runs as and what; of other objects that a controller made, nothing."""
    containers = [{"name": one.get("name"), "image": one.get("image")} for one in spec.get("containers", ())]
    return {"serviceAccountName": spec.get("serviceAccountName"), "containers": containers}


def _without_nothing(mapping: Manifest) -> Manifest:
    inner = {key: _without_nothing(value) if isinstance(value, dict) else value for key, value in mapping.items()}
    return {key: value for key, value in inner.items() if value not in ({}, [], None)}


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
    """In their order, but what a reader looks for when space is short comes first: warnings, then what is no
    routine of a Pod's start. How often each was said depends on when one looks, and is left out."""
    ordered = sorted(events, key=lambda event: (event.type != "Warning", event.reason in ROUTINE))
    return fit((_event(event) for event in ordered), budget, "events")


def _event(event: Event) -> str:
    return f"{event.type} {event.reason} {event.object}: {' '.join(event.message.split())}"


def show_execution(execution: Execution, budget: int) -> str:
    """How the run ended, what it returned, printed and raised."""
    lines = [f"It {_ENDINGS[execution.ending]}."]
    if execution.ok:
        lines = [f"It returned: {shorten(json.dumps(execution.result, sort_keys=True), budget // 2)}"]
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
