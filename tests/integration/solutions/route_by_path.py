"""An Ingress over several Services."""

from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest
from skills.get_object import get_object


def route_by_path(
    api: ApiClient,
    *,
    namespace: str,
    name: str,
    ingress_class: str,
    host: str,
    services: dict[str, str],
    tls_secret: str,
) -> dict[str, int]:
    """Create an Ingress for one host with TLS; return the port of each Service.

    Args:
        services: the Service by path (pathType Prefix); each has one port.
    """
    ports = {service: _port(api, namespace, service) for service in services.values()}
    paths = [
        {
            "path": path,
            "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": ports[service]}}},
        }
        for path, service in services.items()
    ]
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {
            "ingressClassName": ingress_class,
            "tls": [{"hosts": [host], "secretName": tls_secret}],
            "rules": [{"host": host, "http": {"paths": paths}}],
        },
    }
    apply_manifest(api, manifest=ingress, namespace=namespace)
    return ports


def _port(api: ApiClient, namespace: str, service: str) -> int:
    live = get_object(api, api_version="v1", kind="Service", name=service, namespace=namespace)
    assert live is not None
    (port,) = live["spec"]["ports"]
    return int(port["port"])
