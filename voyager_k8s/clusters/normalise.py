"""One object without what differs from run to run, and without what says nothing.

Dropped are bookkeeping (managedFields, uids, versions, times), what a cluster assigns at random (IPs,
node ports, token volumes) and fields that hold the value every object has by default. Secrets keep
their keys, with a digest for each value: a change shows, the value does not.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from voyager_k8s.core.base import Manifest

__all__ = ["normalise"]

_METADATA = ("name", "labels", "annotations", "finalizers")
_USER_DATA = {"ConfigMap": ("data", "binaryData"), "Secret": ("data",)}

_DROPPED = frozenset(
    {
        "batch.kubernetes.io/controller-uid",
        "clusterIPs",
        "collisionCount",
        "containerID",
        "controller-uid",
        "creationTimestamp",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deployment.kubernetes.io/revision-history",
        "endpoints.kubernetes.io/last-change-trigger-time",
        "generation",
        "hostIP",
        "hostIPs",
        "imageID",
        "ipFamilies",
        "ipFamilyPolicy",
        "kubectl.kubernetes.io/last-applied-configuration",
        "kubernetes.io/service-account.uid",
        "managedFields",
        "manualSelector",
        "observedGeneration",
        "pod-template-hash",
        "podIP",
        "podIPs",
        "podReplacementPolicy",
        "resourceVersion",
        "selfLink",
        "terminatingReplicas",
        "uid",
        "uncountedTerminatedPods",
    }
)
"""Keys that go wherever they stand (outside of a ConfigMap's or Secret's data)."""

_DEFAULTS: dict[str, Any] = {
    "defaultMode": 420,
    "dnsPolicy": "ClusterFirst",
    "enableServiceLinks": True,
    "internalTrafficPolicy": "Cluster",
    "lastState": {},
    "loadBalancer": {},
    "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    "preemptionPolicy": "PreemptLowerPriority",
    "priority": 0,
    "progressDeadlineSeconds": 600,
    "resources": {},
    "revisionHistoryLimit": 10,
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "serviceAccountName": "default",
    "sessionAffinity": "None",
    "terminationGracePeriodSeconds": 30,
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "volumeMode": "Filesystem",
}
"""Fields that go where they hold the value the API server puts there by itself."""

_TOKEN_VOLUME = re.compile(r"kube-api-access-[a-z0-9]{5}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_AUTOMATIC_TOLERATIONS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_PLACING = ("nodeSelector", "affinity", "topologySpreadConstraints")
_TOPOLOGY = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
_ASSIGNED = {"clusterIP", "nodePort", "healthCheckNodePort"}


def normalise(item: Manifest) -> Manifest:
    """The object's lasting part. The argument is left as it is."""
    kind = item["kind"]
    user_data = {key: item[key] for key in _USER_DATA.get(kind, ()) if key in item}
    rest = {key: value for key, value in item.items() if key not in user_data and key not in ("metadata", "status")}
    result: Manifest = {"apiVersion": item["apiVersion"], "kind": kind, "metadata": _metadata(item["metadata"])}
    result |= _clean(rest, False)
    if kind == "Secret":
        user_data = _digests(user_data, item.get("type"))
    result |= user_data
    if status := _clean(item.get("status") or {}, True):
        result["status"] = status
    _SPECIAL.get(kind, _as_it_is)(result, item)
    return result


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = _clean({key: metadata[key] for key in _METADATA if key in metadata}, False)
    if "kubernetes.io/pvc-protection" in result.get("finalizers", ()):
        del result["finalizers"]
    if owners := metadata.get("ownerReferences"):
        result["ownerReferences"] = [{"kind": each["kind"], "name": each["name"]} for each in owners]
    if metadata.get("deletionTimestamp"):
        result["deletionTimestamp"] = "(being deleted)"
    return result


def _clean(value: Any, status: bool) -> Any:
    if isinstance(value, dict):
        return _clean_mapping(value, status)
    if isinstance(value, list):
        return [_clean(each, status) for each in value if not _is_token_volume(each)]
    if isinstance(value, str) and _TIME.fullmatch(value):
        return "(time)"
    return value


def _clean_mapping(value: dict[str, Any], status: bool) -> dict[str, Any]:
    result = {}
    for key, each in value.items():
        if each is None or key in _DROPPED or _is_default(key, each) or _is_image_default(key, each, value):
            continue
        cleaned = _clean(each, status)
        emptied = cleaned in ({}, []) and each not in ({}, []) and key != "running"
        if not emptied and not (status and cleaned == "(time)"):
            result[key] = cleaned
    return result


def _is_default(key: str, value: Any) -> bool:
    return key in _DEFAULTS and bool(value == _DEFAULTS[key])


def _is_image_default(key: str, value: Any, container: dict[str, Any]) -> bool:
    """The pull policy that follows from the image's tag."""
    if key != "imagePullPolicy":
        return False
    last = str(container.get("image", "")).rpartition("/")[2]
    latest = "@" not in last and (":" not in last or last.endswith(":latest"))
    return bool(value == ("Always" if latest else "IfNotPresent"))


def _is_token_volume(value: Any) -> bool:
    return isinstance(value, dict) and bool(_TOKEN_VOLUME.fullmatch(str(value.get("name", ""))))


def _digests(data: dict[str, Any], secret_type: str | None) -> dict[str, Any]:
    if secret_type == "kubernetes.io/service-account-token":  # noqa: S105 (a type's name, no password)
        return {}
    return {key: {name: _digest(name, value) for name, value in values.items()} for key, values in data.items()}


def _digest(name: str, value: str) -> str:
    digest = hashlib.sha256(f"{name}\0{value}".encode()).hexdigest()
    return f"(secret, digest {digest[:8]})"


def _as_it_is(result: Manifest, item: Manifest) -> None:
    """Most kinds need nothing of their own."""


def _pod(result: Manifest, item: Manifest) -> None:
    spec = result.get("spec", {})
    spec.pop("serviceAccount", None)
    kept = [each for each in spec.pop("tolerations", ()) if each.get("key") not in _AUTOMATIC_TOLERATIONS]
    if kept:
        spec["tolerations"] = kept
    if "nodeName" in spec and not any(key in spec for key in _PLACING):
        spec["nodeName"] = "(any)"  # the scheduler picks at random among equal nodes
        _forget_place(result["metadata"])


def _forget_place(metadata: dict[str, Any]) -> None:
    """The API server copies the node's zone and region into a Pod's labels when it is bound."""
    labels = {key: value for key, value in metadata.pop("labels", {}).items() if key not in _TOPOLOGY}
    if labels:
        metadata["labels"] = labels


def _workload(result: Manifest, item: Manifest) -> None:
    for spec in _template_specs(result.get("spec", {})):
        spec.pop("serviceAccount", None)


def _template_specs(spec: dict[str, Any]) -> list[dict[str, Any]]:
    template = (spec.get("jobTemplate") or {}).get("spec", spec).get("template") or {}
    return [template["spec"]] if "spec" in template else []


def _service(result: Manifest, item: Manifest) -> None:
    """Addresses and ports that the cluster assigned go; those that someone asked for stay."""
    managed = json.dumps(item["metadata"].get("managedFields", ""))
    assigned = {key for key in _ASSIGNED if f'"f:{key}"' not in managed}
    spec = result.get("spec", {})
    for holder in (spec, *spec.get("ports", ())):
        for key in assigned & holder.keys():
            if holder[key] != "None":
                del holder[key]


def _endpoint_slice(result: Manifest, item: Manifest) -> None:
    """Which Pods a Service reaches; an endpoint that is no Pod keeps its address."""
    endpoints = [_endpoint(each) for each in item.get("endpoints") or ()]
    result["endpoints"] = sorted(endpoints, key=lambda each: json.dumps(each, sort_keys=True))


def _endpoint(endpoint: dict[str, Any]) -> dict[str, Any]:
    target, ready = endpoint.get("targetRef"), (endpoint.get("conditions") or {}).get("ready", True)
    if target:
        return {"name": f"{target['kind']}/{target['name']}", "ready": ready}
    return {"addresses": endpoint.get("addresses", []), "ready": ready}


_SPECIAL = {
    "CronJob": _workload,
    "DaemonSet": _workload,
    "Deployment": _workload,
    "EndpointSlice": _endpoint_slice,
    "Job": _workload,
    "Pod": _pod,
    "ReplicaSet": _workload,
    "ReplicationController": _workload,
    "Service": _service,
    "StatefulSet": _workload,
}
