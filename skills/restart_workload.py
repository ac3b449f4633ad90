"""Replace a workload's Pods by new ones."""

from datetime import UTC, datetime

from kubernetes.client import ApiClient

from skills.patch_object import patch_object


def restart_workload(api: ApiClient, *, name: str, namespace: str, kind: str = "Deployment") -> str:
    """Restart a Deployment's, StatefulSet's or DaemonSet's Pods by a rolling update, as `kubectl rollout restart`
    does; return the time written into the Pod template. Returns at once; `wait_for_rollout` waits for the Pods.
    """
    now = datetime.now(UTC).isoformat()
    annotations = {"kubectl.kubernetes.io/restartedAt": now}
    patch_object(
        api,
        api_version="apps/v1",
        kind=kind,
        name=name,
        namespace=namespace,
        patch={"spec": {"template": {"metadata": {"annotations": annotations}}}},
    )
    return now
