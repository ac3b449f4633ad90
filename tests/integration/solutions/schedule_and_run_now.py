"""A CronJob, and its first run by hand."""

from kubernetes.client import ApiClient

from skills.apply_manifest import apply_manifest
from skills.wait_for_job import wait_for_job


def schedule_and_run_now(
    api: ApiClient,
    *,
    namespace: str,
    name: str,
    schedule: str,
    zone: str,
    image: str,
    command: list[str],
    kept: int,
    run_name: str,
) -> int:
    """Create a CronJob and, as `kubectl create job --from` does, one Job of it; return how many Pods succeeded."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "work", "image": image, "command": command}]}
    cron_job = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "schedule": schedule,
            "timeZone": zone,
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": kept,
            "jobTemplate": {"spec": {"template": {"spec": pod}}},
        },
    }
    made = apply_manifest(api, manifest=cron_job, namespace=namespace)
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": made["metadata"]["uid"]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": run_name,
            "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": made["spec"]["jobTemplate"]["spec"],
    }
    apply_manifest(api, manifest=job, namespace=namespace)
    return int(wait_for_job(api, name=run_name, namespace=namespace)["succeeded"])
