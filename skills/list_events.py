"""Events, compact."""

from typing import Any

from kubernetes.client import ApiClient

from skills.list_objects import list_objects


def list_events(
    api: ApiClient, *, namespace: str, kind: str = "", name: str = "", warnings_only: bool = False, limit: int = 50
) -> list[dict[str, Any]]:
    """The Events of a namespace or of one object (kind and name), oldest first, the latest `limit`: each with
    type, reason, object (`Pod/web-0`), message, count.
    """
    fields = {"involvedObject.kind": kind, "involvedObject.name": name, "type": "Warning" if warnings_only else ""}
    events = list_objects(
        api,
        api_version="v1",
        kind="Event",
        namespace=namespace,
        field_selector=",".join(f"{key}={value}" for key, value in fields.items() if value),
    )
    return [_compact(event) for event in sorted(events, key=_time)[-limit:]]


def _time(event: dict[str, Any]) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    return str(series or event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])


def _compact(event: dict[str, Any]) -> dict[str, Any]:
    about = event["involvedObject"]
    return {
        "type": event.get("type", ""),
        "reason": event.get("reason", ""),
        "object": f"{about.get('kind')}/{about.get('name')}",
        "message": event.get("message", ""),
        "count": (event.get("series") or {}).get("count") or event.get("count") or 1,
    }
