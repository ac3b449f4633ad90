"""Plain values of a Deployment's environment, moved to where they belong."""

from typing import Any

from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest
from skills.edit_object import edit_object
from skills.get_object import get_object
from skills.wait_for_rollout import wait_for_rollout


def move_env_to_config(
    api: ApiClient,
    *,
    namespace: str,
    deployment: str,
    container: str,
    config_map: str,
    config_keys: dict[str, str],
    config_path: str,
    secret: str,
    secret_keys: dict[str, str],
    secret_path: str,
) -> list[str]:
    """Move environment variables into a ConfigMap and a Secret, which are mounted too; return those moved.

    Args:
        config_keys: the key in the ConfigMap by variable; secret_keys likewise.
    """
    live = get_object(api, api_version="apps/v1", kind="Deployment", name=deployment, namespace=namespace)
    assert live is not None
    env = _container(live, container)["env"]
    plain = {each["name"]: each["value"] for each in env if each.get("value")}
    moved = sorted({*config_keys, *secret_keys} & set(plain))
    for kind, name, keys, field in (
        ("ConfigMap", config_map, config_keys, "data"),
        ("Secret", secret, secret_keys, "stringData"),
    ):
        data = {key: plain[variable] for variable, key in keys.items() if variable in plain}
        if data:
            manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, field: data}
            apply_manifest(api, manifest=manifest, namespace=namespace)

    def change(current: dict[str, Any]) -> None:
        found = _container(current, container)
        for variable in found["env"]:
            for field, name, keys in (
                ("configMapKeyRef", config_map, config_keys),
                ("secretKeyRef", secret, secret_keys),
            ):
                if variable["name"] in keys:
                    variable.pop("value", None)
                    variable["valueFrom"] = {field: {"name": name, "key": keys[variable["name"]]}}
        pod = current["spec"]["template"]["spec"]
        _mount(pod, found, "config", config_path, {"configMap": {"name": config_map}})
        _mount(pod, found, "secret", secret_path, {"secret": {"secretName": secret, "defaultMode": 0o400}})

    edit_object(api, api_version="apps/v1", kind="Deployment", name=deployment, namespace=namespace, change=change)
    wait_for_rollout(api, name=deployment, namespace=namespace)
    return moved


def _container(deployment: dict[str, Any], name: str) -> dict[str, Any]:
    containers: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"]
    return next(each for each in containers if each["name"] == name)


def _mount(pod: dict[str, Any], container: dict[str, Any], name: str, path: str, source: dict[str, Any]) -> None:
    volumes, mounts = pod.setdefault("volumes", []), container.setdefault("volumeMounts", [])
    if all(each["name"] != name for each in volumes):
        volumes.append({"name": name, **source})
        mounts.append({"name": name, "mountPath": path, "readOnly": True})
