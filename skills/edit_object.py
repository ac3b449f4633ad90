"""Read, change, write back: a change that depends on what is there."""

import copy
from collections.abc import Callable
from typing import Any

from kubernetes.client import ApiClient, ApiException

from skills.call_api import call_api
from skills.resource_path import resource_path


def edit_object(
    api: ApiClient,
    *,
    api_version: str,
    kind: str,
    name: str,
    change: Callable[[dict[str, Any]], None],
    namespace: str | None = None,
    attempts: int = 10,
) -> dict[str, Any]:
    """Read one object, let `change(object)` alter it in place, write it back, and return it; done again when
    somebody else wrote in between. For changes inside lists: remove an env variable, a port, a container.
    """
    path = resource_path(api, api_version=api_version, kind=kind, namespace=namespace, name=name)
    for attempt in range(1, attempts + 1):
        live: dict[str, Any] = call_api(api, method="GET", path=path)
        live["metadata"].pop("managedFields", None)
        wanted = copy.deepcopy(live)
        change(wanted)
        if wanted == live:
            return live
        try:
            written: dict[str, Any] = call_api(api, method="PUT", path=path, body=wanted)
        except ApiException as error:
            if error.status != 409 or attempt == attempts:
                raise
        else:
            written["metadata"].pop("managedFields", None)
            return written
    raise ValueError(f"attempts must be at least 1, not {attempts}")
