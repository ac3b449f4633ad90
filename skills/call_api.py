"""One request to the API server: what every other skill stands on."""

import json
from typing import Any
from urllib.parse import urlencode

from kubernetes.client import ApiClient, ApiException


def call_api(
    api: ApiClient,
    *,
    method: str,
    path: str,
    query: dict[str, Any] | None = None,
    body: Any = None,
    content_type: str = "application/json",
    timeout_seconds: float = 60.0,
    stream: bool = False,
) -> Any:
    """Send one request to a path of the API server (see `resource_path`), also to a subresource; return the
    decoded JSON, or the text where the answer is no JSON. Raises ApiException with the server's reason.

    Args:
        query: parameters; those that are None or "" are left out.
        body: JSON-able data.
        stream: return the response unread, to iterate over its lines (watches, followed logs).
    """
    # The client's generated methods differ between its versions; its connection pool and its
    # authentication do not.
    headers = {**api.default_headers, "Accept": "application/json, */*"}
    for setting in api.configuration.auth_settings().values():
        if setting["in"] == "header":
            headers[setting["key"]] = setting["value"]
    if body is not None:
        headers["Content-Type"] = content_type
    given = {key: value for key, value in (query or {}).items() if value not in (None, "")}
    response = api.rest_client.pool_manager.request(
        method,
        api.configuration.host + path + (f"?{urlencode(given)}" if given else ""),
        body=None if body is None else json.dumps(body),
        headers=headers,
        timeout=timeout_seconds,
        preload_content=False,
    )
    if stream and response.status < 300:
        return response
    text = response.data.decode(errors="replace")
    if response.status >= 300:
        error = ApiException(status=response.status, reason=response.reason)
        error.body = text
        raise error
    return json.loads(text) if "json" in response.headers.get("Content-Type", "") else text
