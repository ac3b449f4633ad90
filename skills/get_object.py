"""One live object of any kind."""

from typing import Any

from kubernetes.client import ApiClient, ApiException

from skills.call_api import call_api
from skills.resource_path import resource_path


def get_object(
    api: ApiClient,
    *,
    api_version: str,
    kind: str,
    name: str,
    namespace: str | None = None,
    missing_ok: bool = False,
) -> dict[str, Any] | None:
    """Read one object of any kind as plain data, without managedFields. Absent: raises ApiException 404, or
    returns None with missing_ok.
    """
    path = resource_path(api, api_version=api_version, kind=kind, namespace=namespace, name=name)
    try:
        live: dict[str, Any] = call_api(api, method="GET", path=path)
    except ApiException as error:
        if missing_ok and error.status == 404:
            return None
        raise
    live["metadata"].pop("managedFields", None)
    return live
