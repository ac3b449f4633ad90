"""A namespace's Events as a stable list: no times, no generated names, like ones counted together.

Events that were recorded within moments of each other come from controllers that work side by side, so
their order is chance: such a burst is put in the order in which things are caused (controllers before
Pods, scheduled before started). Bursts stay in the order of time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voyager_k8s.clusters.aliases import Aliases, vanished
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.world import Event

__all__ = ["events_of", "is_overcome"]

_BURST_SECONDS = 2.0
"""Most Events carry whole seconds."""
_CONFLICTS = frozenset({"FailedToUpdateEndpoint", "FailedToUpdateEndpointSlices"})
"""Controllers that got into each other's way and tried again."""
_KINDS = ("CronJob", "HorizontalPodAutoscaler", "Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet")
_REASONS = ("SuccessfulCreate", "FailedScheduling", "Scheduled", "Pulling", "Pulled", "Created", "Started")
_ASSIGNED = re.compile(r"^(Successfully assigned \S+ to )\S+$")


@dataclass
class _Seen:
    event: Event
    first: float


def events_of(items: Sequence[Manifest], aliases: Aliases) -> tuple[Event, ...]:
    """All events, oldest burst first.

    Args:
        items: Events of the core group, as the API server gave them.
        aliases: of the objects that are there now.
    """
    involved = [each["involvedObject"] for each in items]
    aliases = aliases.extended(vanished(_names(involved, "Pod"), _names(involved, "ReplicaSet"), aliases))
    seen: dict[tuple[str, ...], _Seen] = {}
    for item in items:
        if item.get("reason") not in _CONFLICTS:
            _count(seen, _event(item, aliases), _time(item))
    return tuple(each.event for burst in _bursts(seen.values()) for each in sorted(burst, key=_cause))


def is_overcome(event: Manifest, objects: Iterable[Manifest]) -> bool:
    """Whether an Event speaks of a wait that is over: a Pod that has a node by now, a claim that is bound. How often
    it was said on the way is chance."""
    about = event["involvedObject"]
    if event.get("reason") not in _WAITS:
        return False
    same = (
        each for each in objects if each["kind"] == about.get("kind") and each["metadata"]["name"] == about.get("name")
    )
    return any(_WAITS[event["reason"]](each) for each in same)


_WAITS: dict[str, Callable[[Manifest], bool]] = {
    "FailedScheduling": lambda pod: bool(pod["spec"].get("nodeName")),
    "ExternalProvisioning": lambda claim: bool(claim.get("status", {}).get("phase") == "Bound"),
    "WaitForFirstConsumer": lambda claim: bool(claim.get("status", {}).get("phase") == "Bound"),
}


def _names(involved: Iterable[dict[str, Any]], kind: str) -> list[str]:
    return sorted({each["name"] for each in involved if each.get("kind") == kind and each.get("name")})


def _event(item: Manifest, aliases: Aliases) -> Event:
    about = item["involvedObject"]
    message = _ASSIGNED.sub(r"\1(node)", aliases.text(item.get("message") or ""))
    return Event(
        type=item.get("type") or "Normal",
        reason=item.get("reason") or "",
        object=f"{about.get('kind', '')}/{aliases.name(about.get('name', ''))}",
        message=message,
        count=(item.get("series") or {}).get("count") or item.get("count") or 1,
    )


def _time(item: Manifest) -> float:
    text = item.get("eventTime") or item.get("firstTimestamp") or item["metadata"].get("creationTimestamp")
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def _count(seen: dict[tuple[str, ...], _Seen], event: Event, time: float) -> None:
    key = (event.type, event.reason, event.object, event.message)
    before = seen.get(key)
    if before is None:
        seen[key] = _Seen(event, time)
        return
    before.event = event.model_copy(update={"count": before.event.count + event.count})
    before.first = min(before.first, time)


def _bursts(seen: Iterable[_Seen]) -> list[list[_Seen]]:
    bursts: list[list[_Seen]] = []
    last = float("-inf")
    for each in sorted(seen, key=lambda seen: seen.first):
        if each.first - last >= _BURST_SECONDS:
            bursts.append([])
        bursts[-1].append(each)
        last = each.first
    return bursts


def _cause(seen: _Seen) -> tuple[int, str, int, str, str]:
    event = seen.event
    kind = event.object.partition("/")[0]
    return _rank(kind, _KINDS), event.object, _rank(event.reason, _REASONS), event.reason, event.message


def _rank(word: str, order: Sequence[str]) -> int:
    return order.index(word) if word in order else len(order)
