"""A namespace's objects as one comparable value: normalised, noise left out, generated names made stable.

Two runs that end in the same world give equal snapshots, so that the same world gives the same prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from voyager_k8s.clusters.aliases import Aliases, aliases_of
from voyager_k8s.clusters.normalise import normalise
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.world import ObjectKey, Snapshot

__all__ = ["snapshot_of", "without_back_off_time"]

_DATA = ("data", "binaryData")
_BACK_OFF = re.compile(r"back-off \S+ restarting")


def snapshot_of(objects: Sequence[Manifest], identity_binding: str) -> Snapshot:
    """Normalise a sweep.

    Args:
        objects: as the API server gave them, each with its apiVersion and kind.
        identity_binding: the RoleBinding of this name belongs to the workspace, not to the task. (A name, not a
            label: a program could hide its own by a label.)
    """
    aliases = aliases_of(objects)
    found = {}
    for item in objects:
        if not _is_noise(item, identity_binding):
            manifest = _renamed(normalise(item), aliases)
            if not _is_untouched_default(manifest):
                found[_key(item, manifest)] = manifest
    return Snapshot(objects=dict(sorted(found.items())))


def without_back_off_time(text: str) -> str:
    """A kubelet's message without how long it waits this time."""
    return _BACK_OFF.sub("back-off restarting", text)


def _key(item: Manifest, manifest: Manifest) -> ObjectKey:
    namespace = item["metadata"].get("namespace", "")
    return ObjectKey(item["apiVersion"], item["kind"], namespace, manifest["metadata"]["name"])


def _is_noise(item: Manifest, identity_binding: str) -> bool:
    kind, metadata = item["kind"], item["metadata"]
    if kind == "RoleBinding":
        return bool(metadata["name"] == identity_binding)
    return bool(kind == "ConfigMap" and metadata["name"] == "kube-root-ca.crt")


def _is_untouched_default(manifest: Manifest) -> bool:
    """The ServiceAccount that every namespace has, as long as nobody changed it."""
    return manifest == {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}


def _renamed(manifest: Manifest, aliases: Aliases) -> Manifest:
    """A ConfigMap's or Secret's data is left as it is: what looks like a generated name there is content."""
    is_data = manifest["kind"] in ("ConfigMap", "Secret")
    data = {key: manifest[key] for key in _DATA if is_data and key in manifest}
    text = json.dumps({key: value for key, value in manifest.items() if key not in data})
    renamed: Manifest = json.loads(without_back_off_time(aliases.text(text)))
    if "endpoints" in renamed:
        renamed["endpoints"].sort(key=lambda each: json.dumps(each, sort_keys=True))
    return renamed | data
