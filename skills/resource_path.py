"""Where objects of a kind live: one discovery request per API version and process."""

from urllib.parse import quote

from kubernetes.client import ApiClient, ApiException

from skills.call_api import call_api

_known: dict[tuple[str, str], dict[str, tuple[str, bool]]] = {}


def resource_path(
    api: ApiClient, *, api_version: str, kind: str, namespace: str | None = None, name: str | None = None
) -> str:
    """The API path of a kind's objects, or of one of them: `/apis/apps/v1/namespaces/shop/deployments/web`.
    Append `/scale`, `/status`, `/log` ... for a subresource. For use with `call_api`.
    """
    base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    plural, namespaced = _find(api, base, api_version, kind)
    if namespaced and not namespace:
        raise ValueError(f"{kind} is namespaced: give a namespace")
    path = f"{base}/namespaces/{quote(namespace or '', safe='')}/{plural}" if namespaced else f"{base}/{plural}"
    return f"{path}/{quote(name, safe='')}" if name else path


def _find(api: ApiClient, base: str, api_version: str, kind: str) -> tuple[str, bool]:
    key = (api.configuration.host, api_version)
    # Asked again for a kind that is not there: its definition may be new.
    if kind not in _known.get(key, {}):
        _known[key] = _discover(api, base, api_version)
    if kind not in _known[key]:
        raise ValueError(f"no kind {kind} in apiVersion {api_version}; it has {', '.join(sorted(_known[key]))}")
    return _known[key][kind]


def _discover(api: ApiClient, base: str, api_version: str) -> dict[str, tuple[str, bool]]:
    try:
        resources = call_api(api, method="GET", path=base)["resources"]
    except ApiException as error:
        if error.status != 404:
            raise
        raise ValueError(f"this cluster has no apiVersion {api_version}") from None
    return {item["kind"]: (item["name"], item["namespaced"]) for item in resources if "/" not in item["name"]}
