"""A thin, typed way to the API server; the only module in this process that imports `kubernetes`.

The client's configuration, authentication and connection pool are used, its models are not: bodies
are parsed straight from bytes, which is what keeps a sweep over all kinds within some milliseconds.
What a server refuses is an `ApiRefusal`; what it cannot do is retried, then a `ClusterError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import kubernetes.client
import kubernetes.config
import tenacity
import urllib3

from voyager_k8s.clusters.discovery import DISCOVERY_TYPE, Catalogue, Resource, read_discovery
from voyager_k8s.clusters.permissions import Question
from voyager_k8s.clusters.streams import Watch
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.errors import ClusterError

__all__ = ["FIELD_MANAGER", "Api", "ApiRefusal", "Listing"]

FIELD_MANAGER = "voyager-k8s"
"""Owner of the fields this package applies."""

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_CONNECTIONS = 32
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 30.0
_WATCH_SECONDS = 240
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_TRIES = 4
_SCHEMA_FAULT = "failed to create typed patch object"
"""How server-side apply refuses a manifest that does not fit the schema: with HTTP 500, though nothing failed
(seen with Kubernetes 1.36)."""


class ApiRefusal(ClusterError):
    """The API server answered, and said no."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"the API server refused: {message or reason} (HTTP {status})")
        self.status = status
        self.reason = reason
        """The server's own word: `NotFound`, `AlreadyExists`, `Invalid`, `Expired`."""
        self.message = message


class _Transient(Exception):
    """Worth another try."""


@dataclass(frozen=True)
class Listing:
    """Objects of one kind at one moment."""

    items: tuple[Manifest, ...]
    version: str
    """The resourceVersion a watch goes on from."""


class Api:
    """One API server, as one kubeconfig reaches it. Safe to use from several threads."""

    def __init__(self, kubeconfig: Path) -> None:
        """Read a kubeconfig (its current context).

        Raises:
            ClusterError: the file cannot be read or names no cluster.
        """
        self._config = kubernetes.client.Configuration()
        try:
            load: Any = kubernetes.config.load_kube_config  # the client leaves it without annotations
            load(str(kubeconfig), client_configuration=self._config)
        except (kubernetes.config.ConfigException, OSError) as error:
            raise ClusterError(f"cannot use the kubeconfig {kubeconfig}: {error}") from error
        self._config.connection_pool_maxsize = _CONNECTIONS
        self._client: Any = kubernetes.client.ApiClient(self._config)
        self._pool: urllib3.PoolManager = self._client.rest_client.pool_manager
        self.server: str = self._config.host
        """The URL."""

    @property
    def certificate_authority(self) -> str:
        """PEM text; empty where the server is plain HTTP or a public authority signed for it."""
        file = self._config.ssl_ca_cert
        return Path(file).read_text(encoding="ascii") if file else ""

    def close(self) -> None:
        """Drop all idle connections."""
        self._client.close()
        self._pool.clear()

    # ---- what the server offers

    def version(self) -> str:
        """`v1.36.1`."""
        return str(self.request("GET", "/version")["gitVersion"])

    def catalogue(self) -> Catalogue:
        """All kinds.

        Raises:
            ClusterError: the server is older than Kubernetes 1.30.
        """
        documents = [self.request("GET", path, accept=DISCOVERY_TYPE) for path in ("/api", "/apis")]
        if any(each.get("kind") != "APIGroupDiscoveryList" for each in documents):
            raise ClusterError(f"{self.server} has no aggregated discovery; Kubernetes 1.30 or later is needed")
        return read_discovery(documents)

    # ---- objects

    def list(
        self, resource: Resource, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Listing:
        """All objects of a kind, from the server's watch cache (some milliseconds old at most), each with its
        apiVersion and kind."""
        query = {"resourceVersion": "0"}
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        answer = self.request("GET", resource.path(namespace), query=query)
        for item in answer["items"]:
            item["apiVersion"], item["kind"] = resource.api_version, resource.kind
        return Listing(tuple(answer["items"]), answer["metadata"]["resourceVersion"])

    def get(self, resource: Resource, namespace: str | None, name: str) -> Manifest | None:
        """One object as it is now; None where there is none."""
        try:
            found: Manifest = self.request("GET", resource.path(namespace, name))
        except ApiRefusal as refusal:
            if refusal.status == 404:
                return None
            raise
        return found

    def create(self, resource: Resource, namespace: str | None, manifest: Manifest) -> Manifest:
        """Create an object; an `ApiRefusal` with reason `AlreadyExists` where there is one."""
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        created: Manifest = self.request("POST", resource.path(namespace), query=query, body=manifest)
        return created

    def apply(self, resource: Resource, namespace: str | None, manifest: Manifest) -> Manifest:
        """Server-side apply, taking over fields that others own; misspelt fields are refused."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        path = resource.path(namespace, manifest["metadata"]["name"])
        applied: Manifest = self.request("PATCH", path, query=query, body=manifest, content=_APPLY)
        return applied

    def delete(self, resource: Resource, namespace: str | None, name: str) -> None:
        """Delete an object and, behind, what it owns; one that is not there is no error."""
        try:
            self.request("DELETE", resource.path(namespace, name), body={"propagationPolicy": "Background"})
        except ApiRefusal as refusal:
            if refusal.status not in (404, 409):
                raise

    def watch(self, resource: Resource, version: str) -> Watch:
        """What happens to a kind, cluster-wide, from a listing's version on."""
        query = {"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": version}
        query["timeoutSeconds"] = str(_WATCH_SECONDS)
        timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_WATCH_SECONDS + _READ_SECONDS)
        response = self._send("GET", f"{resource.path()}?{urlencode(query)}", None, {"Accept": _JSON}, timeout, False)
        if response.status != 200:
            with response:
                raise _refusal(response.status, response.data)
        return Watch(response)

    # ---- questions and credentials

    def allowed(self, question: Question) -> bool:
        """Whether the authorizer lets someone do something (SubjectAccessReview)."""
        attributes = {
            "namespace": question.namespace,
            "verb": question.verb,
            "group": question.group,
            "resource": question.resource,
            "subresource": question.subresource,
            "name": question.name,
        }
        spec = {"user": question.user, "groups": list(question.groups), "resourceAttributes": attributes}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        answer = self.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review)
        return bool(answer["status"]["allowed"])

    def token(self, namespace: str, service_account: str, seconds: int) -> str:
        """A bearer token of a ServiceAccount, valid for so long (TokenRequest; 600 at least)."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        answer = self.request("POST", path, body={**wish, "spec": {"expirationSeconds": seconds}})
        return str(answer["status"]["token"])

    # ---- requests

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content: str = _JSON,
        accept: str = _JSON,
    ) -> Any:
        """Send one request and parse the answer; transient failures are tried again, with growing pauses.

        Raises:
            ApiRefusal: the server said no.
            ClusterError: the server cannot be reached, or kept failing.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept} | ({} if data is None else {"Content-Type": content})
        try:
            for attempt in _retrying():
                with attempt:
                    return self._once(method, target, data, headers)
        except _Transient as error:
            raise ClusterError(f"{method} {self.server}{path}: {error} (tried {_TRIES} times)") from error.__cause__
        raise AssertionError("a retry loop ends by returning or raising")

    def _once(self, method: str, target: str, data: bytes | None, headers: dict[str, str]) -> Any:
        timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        try:
            response = self._send(method, target, data, headers, timeout, True)
        except ClusterError as error:
            raise _Transient(str(error)) from error
        if response.status >= 400:
            refusal = _refusal(response.status, response.data)
            if response.status in _TRANSIENT and not refusal.message.startswith(_SCHEMA_FAULT):
                raise _Transient(str(refusal))
            raise refusal
        try:
            return json.loads(response.data)
        except ValueError as error:
            raise _Transient(f"the answer is not JSON: {response.data[:80]!r}") from error

    def _send(
        self,
        method: str,
        target: str,
        data: bytes | None,
        headers: dict[str, str],
        timeout: urllib3.Timeout,
        whole: bool,
    ) -> urllib3.BaseHTTPResponse:
        self._client.update_params_for_auth(headers, [], ["BearerToken"], target, method, None)
        url = self.server + target
        try:
            return self._pool.request(
                method, url, body=data, headers=headers, timeout=timeout, retries=False, preload_content=whole
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterError(f"the API server at {self.server} cannot be reached: {error}") from error


def _retrying() -> tenacity.Retrying:
    wait = tenacity.wait_exponential_jitter(multiplier=0.1, max=1.0, jitter=0.1)
    stop = tenacity.stop_after_attempt(_TRIES)
    return tenacity.Retrying(retry=tenacity.retry_if_exception_type(_Transient), wait=wait, stop=stop, reraise=True)


def _refusal(status: int, data: bytes) -> ApiRefusal:
    try:
        answer = json.loads(data)
        return ApiRefusal(status, str(answer.get("reason", "")), str(answer.get("message", "")))
    except (ValueError, AttributeError):
        return ApiRefusal(status, "", data[:200].decode(errors="replace").strip())
