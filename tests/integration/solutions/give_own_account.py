"""A ServiceAccount with the rights it needs, used."""

from typing import Any

from kubernetes.client import ApiClient

from skills.apply_manifests import apply_manifests
from skills.patch_object import patch_object
from skills.wait_for_rollout import wait_for_rollout


def give_own_account(
    api: ApiClient, *, namespace: str, deployment: str, account: str, rules: list[dict[str, Any]]
) -> list[str]:
    """Create a ServiceAccount, and a Role with these rules bound to it, and let a Deployment's Pods use it; return
    what was applied."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": account}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": account},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
    manifests: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        binding,
    ]
    applied = apply_manifests(api, manifests=manifests, namespace=namespace)
    patch_object(
        api,
        api_version="apps/v1",
        kind="Deployment",
        name=deployment,
        namespace=namespace,
        patch={"spec": {"template": {"spec": {"serviceAccountName": account}}}},
    )
    wait_for_rollout(api, name=deployment, namespace=namespace)
    return applied
