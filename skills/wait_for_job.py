"""Wait for a Job to complete."""

from typing import Any

from kubernetes.client import ApiClient

from skills.find_problems import find_problems
from skills.wait_until import wait_until


def wait_for_job(api: ApiClient, *, name: str, namespace: str, timeout_seconds: float = 60.0) -> dict[str, Any]:
    """Watch a Job until it is complete and return its status. Raises RuntimeError as soon as it has failed, with the
    reason and its Pods' problems; TimeoutError else.
    """

    def complete(objects: list[dict[str, Any]]) -> bool | str:
        if not objects:
            return "it does not exist"
        status = objects[0].get("status", {})
        conditions = {item["type"]: item for item in status.get("conditions", []) if item["status"] == "True"}
        if "Failed" in conditions:
            raise RuntimeError(_failure(api, name, namespace, conditions["Failed"]))
        counts = ", ".join(f"{status.get(key, 0)} {key}" for key in ("active", "succeeded", "failed"))
        wanted = objects[0]["spec"].get("completions", 1)
        suspended = "; it is suspended" if "Suspended" in conditions else ""
        return "Complete" in conditions or f"{counts} of {wanted} wanted{suspended}"

    (job,) = wait_until(
        api,
        api_version="batch/v1",
        kind="Job",
        namespace=namespace,
        name=name,
        until=complete,
        timeout_seconds=timeout_seconds,
    )
    status: dict[str, Any] = job["status"]
    return status


def _failure(api: ApiClient, name: str, namespace: str, condition: dict[str, Any]) -> str:
    problems = find_problems(api, namespace=namespace, label_selector=f"batch.kubernetes.io/job-name={name}")
    pods = [
        f"{item['object']} {item['reason']}: {item['message']}" for item in problems[:3] if "Pod/" in item["object"]
    ]
    why = f"{condition.get('reason')}: {condition.get('message')}"
    return "; ".join([f"Job {name} failed: {why}", *pods])
