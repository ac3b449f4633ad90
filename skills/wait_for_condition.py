"""Wait for a condition in an object's status."""

from typing import Any

from kubernetes.client import ApiClient

from skills.wait_until import wait_until


def wait_for_condition(
    api: ApiClient,
    *,
    api_version: str,
    kind: str,
    name: str,
    condition: str,
    namespace: str | None = None,
    status: str = "True",
    timeout_seconds: float = 60.0,
) -> dict[str, Any]:
    """Watch one object until a condition of its status (Ready, Available, Complete ...) has the status wanted, and
    return the condition. TimeoutError names what was last seen. The object may appear meanwhile.
    """

    def reached(objects: list[dict[str, Any]]) -> bool | str:
        if not objects:
            return "it does not exist"
        live = objects[0]
        if live.get("status", {}).get("observedGeneration", 1 << 62) < live["metadata"].get("generation", 0):
            return "its controller has not seen its last change"
        found = _condition(live, condition)
        return found.get("status") == status or _last_seen(live, condition, status)

    (live,) = wait_until(
        api,
        api_version=api_version,
        kind=kind,
        namespace=namespace,
        name=name,
        until=reached,
        timeout_seconds=timeout_seconds,
    )
    return _condition(live, condition)


def _condition(live: dict[str, Any], type_: str) -> dict[str, Any]:
    conditions = live.get("status", {}).get("conditions") or []
    return next((item for item in conditions if item["type"] == type_), {})


def _last_seen(live: dict[str, Any], condition: str, status: str) -> str:
    found = _condition(live, condition)
    if found:
        why = ": ".join(str(found[key]) for key in ("reason", "message") if found.get(key))
        return f"condition {condition} is {found['status']}, not {status} ({why or 'no reason given'})"
    conditions = live.get("status", {}).get("conditions") or []
    others = ", ".join(f"{item['type']}={item['status']}" for item in conditions)
    return f"it has no condition {condition}, only {others or 'none'}"
