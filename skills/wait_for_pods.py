"""Wait for a number of Pods."""

from typing import Any

from kubernetes.client import ApiClient

from skills.wait_until import wait_until


def wait_for_pods(
    api: ApiClient,
    *,
    namespace: str,
    label_selector: str,
    count: int | None = None,
    ready: bool = True,
    timeout_seconds: float = 60.0,
) -> list[str]:
    """Watch until exactly `count` Pods match the label selector (None: at least one; 0: none left) and all of them
    are ready, and return their names. Pods being deleted and Pods that have completed are not counted.

    Args:
        ready: False: it is enough that they exist.
    """

    def there(objects: list[dict[str, Any]]) -> bool | str:
        pods = [pod for pod in objects if not _leaving(pod)]
        waiting = [pod["metadata"]["name"] for pod in pods if ready and not _is_ready(pod)]
        enough = len(pods) == count if count is not None else bool(pods)
        if enough and not waiting and (count != 0 or not objects):
            return True
        wanted = "at least 1" if count is None else str(count)
        return f"{len(objects)} Pods, {wanted} wanted, not ready: {', '.join(waiting) or 'none'}"

    pods = wait_until(
        api,
        api_version="v1",
        kind="Pod",
        namespace=namespace,
        label_selector=label_selector,
        until=there,
        timeout_seconds=timeout_seconds,
    )
    return sorted(str(pod["metadata"]["name"]) for pod in pods if not _leaving(pod))


def _leaving(pod: dict[str, Any]) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp")) or pod.get("status", {}).get("phase") in (
        "Succeeded",
        "Failed",
    )


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
