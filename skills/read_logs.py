"""A container's log."""

from kubernetes.client import ApiClient

from skills.call_api import call_api
from skills.resource_path import resource_path


def read_logs(
    api: ApiClient,
    *,
    name: str,
    namespace: str,
    container: str = "",
    previous: bool = False,
    tail_lines: int = 100,
) -> str:
    """The last lines of a Pod's log.

    Args:
        container: needed where the Pod has several.
        previous: of the container's run before its last restart.
    """
    path = resource_path(api, api_version="v1", kind="Pod", namespace=namespace, name=name)
    query = {"container": container, "tailLines": tail_lines, "previous": "true" if previous else ""}
    return str(call_api(api, method="GET", path=f"{path}/log", query=query))
