"""A Job, run to its end."""

from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest
from skills.wait_for_job import wait_for_job


def run_job(
    api: ApiClient,
    *,
    namespace: str,
    name: str,
    image: str,
    command: list[str],
    completions: int = 1,
    parallelism: int = 1,
    retries: int = 6,
) -> int:
    """Run a Job whose Pods are never restarted in place; return how many Pods succeeded."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "work", "image": image, "command": command}]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "completions": completions,
            "parallelism": parallelism,
            "backoffLimit": retries,
            "template": {"spec": pod},
        },
    }
    apply_manifest(api, manifest=job, namespace=namespace)
    return int(wait_for_job(api, name=name, namespace=namespace)["succeeded"])
