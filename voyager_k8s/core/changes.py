"""What differs between two snapshots, object by object and field by field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import JsonValue

from voyager_k8s.core.paths import field, identity_of, in_list
from voyager_k8s.core.world import Change, Event, FieldChange, ObjectKey, Snapshot

__all__ = ["changes_between", "events_since", "field_changes"]

_ABSENT: Any = object()


def changes_between(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """All objects that were created, modified or deleted, in the order of their keys."""
    keys = sorted({*before.objects, *after.objects})
    found = (_change(key, before, after) for key in keys)
    return tuple(each for each in found if each is not None)


def field_changes(before: JsonValue, after: JsonValue) -> tuple[FieldChange, ...]:
    """The smallest fields that differ, in the order they stand in. A list of named elements is compared
    name by name, whatever their order; any other list of mappings place by place; other lists whole."""
    return tuple(_differences("", before, after))


def events_since(before: Sequence[Event], after: Sequence[Event]) -> tuple[Event, ...]:
    """The events that came after an earlier look; one that was counted on is there with what was added."""
    counts = {_event(event): event.count for event in before}
    new = (event.model_copy(update={"count": event.count - counts.get(_event(event), 0)}) for event in after)
    return tuple(event for event in new if event.count > 0)


def _event(event: Event) -> tuple[str, str, str, str]:
    return event.type, event.reason, event.object, event.message


def _change(key: ObjectKey, before: Snapshot, after: Snapshot) -> Change | None:
    old, new = before.objects.get(key), after.objects.get(key)
    if old is None and new is not None:
        return Change(action="created", key=key, manifest=new)
    if new is None and old is not None:
        return Change(action="deleted", key=key, manifest=old)
    if fields := field_changes(old, new):
        return Change(action="modified", key=key, fields=fields)
    return None


def _differences(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _mappings(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(path, before, after)
    elif type(before) is not type(after) or before != after:
        yield FieldChange(path=path, before=_shown(before), after=_shown(after))


def _mappings(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[FieldChange]:
    for key in dict.fromkeys((*before, *after)):
        yield from _differences(field(path, key), before.get(key, _ABSENT), after.get(key, _ABSENT))


def _lists(path: str, before: list[Any], after: list[Any]) -> Iterator[FieldChange]:
    key = identity_of(before, after)
    if key is not None:
        old, new = ({each[key]: each for each in elements} for elements in (before, after))
        for name in dict.fromkeys((*old, *new)):
            yield from _differences(in_list(path, name), old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif all(isinstance(each, dict) for each in (*before, *after)):
        for place in range(max(len(before), len(after))):
            yield from _differences(in_list(path, place), _at(before, place), _at(after, place))
    elif not _same(before, after):
        yield FieldChange(path=path, before=before, after=after)


def _at(elements: list[Any], place: int) -> Any:
    return elements[place] if place < len(elements) else _ABSENT


def _same(before: Any, after: Any) -> bool:
    """Equality as JSON has it: `1` and `true` differ."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_same(each, after[key]) for key, each in before.items())
    return type(before) is type(after) and bool(before == after)


def _shown(value: Any) -> Any:
    return None if value is _ABSENT else value
