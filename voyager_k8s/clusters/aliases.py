"""Names that are the same in every run, for objects that controllers name at random.

`web-596556dd5f-hxhzp` becomes `web-(rs1)-(2)`: the second Pod of the ReplicaSet that Deployment `web`
made for its first revision. Pods of one owner are numbered by what they are (content), so two runs that
end in the same world give the same names, whoever was created first.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from voyager_k8s.clusters.normalise import normalise
from voyager_k8s.core.base import Manifest

__all__ = ["Aliases", "addresses_of", "aliases_of", "vanished"]

_SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]{5}"
"""What the API server puts behind a generateName (its alphabet has no vowels, 0, 1 and 3)."""
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_GONE = "(gone)"


class Aliases:
    """Replaces generated names, in text or alone."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)
        longest = sorted(self._names, key=lambda name: (-len(name), name))
        known = "|".join(re.escape(name) for name in longest)
        pattern = rf"(?<![a-z0-9.-])({known})(-{_SUFFIX})?(?![a-z0-9])|({_UUID})" if known else f"()()({_UUID})"
        self._pattern = re.compile(pattern)

    def name(self, name: str) -> str:
        """The stable name; the name itself where it was not generated."""
        return self._names.get(name, name)

    def text(self, text: str) -> str:
        """The text with every generated name and uid replaced. A generated name with a further random suffix
        is one of its objects that is there no more."""
        return self._pattern.sub(self._replace, text)

    def extended(self, more: Mapping[str, str]) -> Aliases:
        """These and some more; these win."""
        return Aliases({**more, **self._names})

    def _replace(self, match: re.Match[str]) -> str:
        if match[3]:
            return "(uid)"
        return self._names[match[1]] + (f"-{_GONE}" if match[2] else "")


def aliases_of(objects: Sequence[Manifest]) -> Aliases:
    """Give every object with a generated name a stable one."""
    names = {**_replica_sets(objects), **_cron_jobs(objects)}
    pods = [each for each in objects if each["kind"] == "Pod"]
    names |= _numbered(pods, names)
    names |= _numbered([each for each in objects if each["kind"] != "Pod"], names)
    return Aliases(names)


def addresses_of(objects: Iterable[Manifest], known: Aliases) -> dict[str, str]:
    """Names for the addresses that the cluster gave to Services and Pods."""
    names = {}
    for item in objects:
        name = known.name(item["metadata"]["name"])
        if item["kind"] == "Service" and (address := item["spec"].get("clusterIP", "None")) != "None":
            names[address] = f"(clusterIP of {name})"
        elif item["kind"] == "Pod" and (address := item.get("status", {}).get("podIP")):
            names[address] = f"(IP of {name})"
    return names


def vanished(pods: Iterable[str], replica_sets: Iterable[str], known: Aliases) -> dict[str, str]:
    """Names for Pods and ReplicaSets that events speak of and that are there no more."""
    names = {name: f"{name.rpartition('-')[0]}-{_GONE}" for name in replica_sets if known.name(name) == name}
    for pod in pods:
        stem, _, suffix = pod.rpartition("-")
        if stem and known.name(pod) == pod and re.fullmatch(_SUFFIX, suffix):
            names[pod] = names.get(stem) or f"{known.name(stem)}-{_GONE}"
    return names


def _replica_sets(objects: Iterable[Manifest]) -> dict[str, str]:
    """A Deployment's ReplicaSets are named by the first revision each of them stood for."""
    found = {}
    for each in objects:
        deployment = _owner(each, "Deployment")
        if each["kind"] == "ReplicaSet" and deployment:
            found[each["metadata"]["name"]] = f"{deployment}-(rs{_first_revision(each)})"
    return _distinct(found)


def _first_revision(replica_set: Manifest) -> int:
    notes = replica_set["metadata"].get("annotations") or {}
    texts = [notes.get("deployment.kubernetes.io/revision", "")]
    texts += notes.get("deployment.kubernetes.io/revision-history", "").split(",")
    return min((int(text) for text in texts if text.isdigit()), default=0)


def _cron_jobs(objects: Iterable[Manifest]) -> dict[str, str]:
    """A CronJob's Jobs carry the time of their schedule: numbered by it."""
    runs: dict[str, list[str]] = defaultdict(list)
    for each in objects:
        owner = _owner(each, "CronJob")
        if each["kind"] == "Job" and owner and re.fullmatch(rf"{re.escape(owner)}-\d+", each["metadata"]["name"]):
            runs[owner].append(each["metadata"]["name"])
    return {name: f"{owner}-({n})" for owner, names in runs.items() for n, name in enumerate(sorted(names), start=1)}


def _numbered(objects: Iterable[Manifest], names: Mapping[str, str]) -> dict[str, str]:
    """Objects with a generateName, numbered within kind and stem by what they are."""
    groups: dict[tuple[str, str], list[Manifest]] = defaultdict(list)
    for each in objects:
        stem = each["metadata"].get("generateName", "")
        if stem and re.fullmatch(re.escape(stem) + _SUFFIX, each["metadata"]["name"]):
            groups[each["kind"], stem].append(each)
    known, found = Aliases(names), {}
    for (_, stem), members in groups.items():
        alias = names.get(stem.rstrip("-"), stem.rstrip("-"))
        ordered = sorted(members, key=lambda member: _content(member, known))
        found.update({each["metadata"]["name"]: f"{alias}-({n})" for n, each in enumerate(ordered, start=1)})
    return found


def _content(item: Manifest, known: Aliases) -> tuple[str, str]:
    name = item["metadata"]["name"]
    text = json.dumps(normalise(item), sort_keys=True).replace(name, "")
    return known.text(text), str(item["metadata"].get("creationTimestamp"))


def _owner(item: Manifest, kind: str) -> str:
    owners = item["metadata"].get("ownerReferences") or ()
    return next((str(each["name"]) for each in owners if each["kind"] == kind and each.get("controller")), "")


def _distinct(names: Mapping[str, str]) -> dict[str, str]:
    """The same names, with a letter where two would be equal."""
    seen: Counter[str] = Counter()
    result = {}
    for name in sorted(names):
        alias = names[name]
        seen[alias] += 1
        result[name] = alias if seen[alias] == 1 else f"{alias[:-1]}{'abcdefgh'[seen[alias] % 8]})"
    return result
