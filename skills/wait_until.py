"""Waiting by watching: what all the `wait_for_...` skills stand on."""

import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from kubernetes.client import ApiClient, rest

from skills.call_api import call_api
from skills.resource_path import resource_path


def wait_until(
    api: ApiClient,
    *,
    api_version: str,
    kind: str,
    until: Callable[[list[dict[str, Any]]], bool | str],
    namespace: str | None = None,
    name: str | None = None,
    label_selector: str = "",
    timeout_seconds: float = 60.0,
) -> list[dict[str, Any]]:
    """Watch the objects selected until `until(objects)` is True, and return them. `until` is called with the
    live objects (none: []) at once and after every change; what else it returns, such as a text that says
    what is missing, goes into the TimeoutError, and an error it raises ends the wait.
    """
    path = resource_path(api, api_version=api_version, kind=kind, namespace=namespace)
    query = {"labelSelector": label_selector, "fieldSelector": f"metadata.name={name}" if name else ""}
    deadline = time.monotonic() + timeout_seconds
    while True:
        for objects in _states(api, path, query, deadline):
            answer = until(objects)
            if answer is True:
                return objects
            if time.monotonic() >= deadline:
                what = f"{kind} {name or label_selector or '(all)'}"
                raise TimeoutError(f"{what}: {answer or 'not yet as wanted'} (waited {timeout_seconds:g} s)")


def _states(api: ApiClient, path: str, query: dict[str, Any], deadline: float) -> Iterator[list[dict[str, Any]]]:
    """The objects now, and after each change, until the watch ends (which is when to list them again)."""
    page = call_api(api, method="GET", path=path, query=query)
    version = page["metadata"]["resourceVersion"]
    known = {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List")}
    objects = {item["metadata"]["name"]: {**known, **_lean(item)} for item in page["items"]}
    yield list(objects.values())
    left = max(0.05, deadline - time.monotonic())
    watch = {**query, "watch": "true", "resourceVersion": version, "timeoutSeconds": math.ceil(left)}
    response = call_api(api, method="GET", path=path, query=watch, timeout_seconds=left, stream=True)
    try:
        for line in response:
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            live = _lean(event["object"])
            objects.pop(live["metadata"]["name"], None)
            if event["type"] != "DELETED":
                objects[live["metadata"]["name"]] = live
            yield list(objects.values())
    # Through the client, which does not declare it: a skill imports nothing else.
    except rest.urllib3.exceptions.HTTPError:  # type: ignore[attr-defined] # not declared
        return  # the connection broke, or nothing came until the deadline
    finally:
        response.close()


def _lean(live: dict[str, Any]) -> dict[str, Any]:
    live["metadata"].pop("managedFields", None)
    return live
