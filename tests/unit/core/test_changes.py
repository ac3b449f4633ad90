"""What differs between two snapshots."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyager_k8s.core.changes import changes_between, field_changes
from voyager_k8s.core.world import FieldChange, ObjectKey, Snapshot

NAMES = st.sampled_from(["web", "db", "cache"])
SCALARS = st.booleans() | st.integers(0, 9) | st.sampled_from(["a", "b", "c"])
NAMED = st.lists(
    st.fixed_dictionaries({"name": NAMES, "image": SCALARS}), max_size=3, unique_by=lambda each: each["name"]
)
MANIFESTS = st.dictionaries(
    st.sampled_from(["spec", "status", "x"]),
    st.dictionaries(
        st.sampled_from(["replicas", "containers", "args", "app.kubernetes.io/name"]),
        SCALARS | NAMED | st.lists(SCALARS, max_size=3),
        max_size=4,
    ),
    max_size=3,
)
KEYS = st.builds(ObjectKey, st.just("v1"), st.sampled_from(["Pod", "Service"]), st.just("ns"), NAMES)
SNAPSHOTS = st.builds(Snapshot, objects=st.dictionaries(KEYS, MANIFESTS, max_size=4))
OPPOSITE = {"created": "deleted", "deleted": "created", "modified": "modified"}


@given(SNAPSHOTS)
def test_equal_snapshots_have_no_changes(snapshot: Snapshot) -> None:
    assert changes_between(snapshot, snapshot.model_copy(deep=True)) == ()


@given(SNAPSHOTS, SNAPSHOTS)
def test_the_way_back_is_the_opposite(one: Snapshot, other: Snapshot) -> None:
    there, back = changes_between(one, other), changes_between(other, one)
    assert [(OPPOSITE[each.action], each.key) for each in there] == [(each.action, each.key) for each in back]
    for forth, reverse in zip(there, back, strict=True):
        turned = {each.path: (each.after, each.before) for each in forth.fields}
        assert turned == {each.path: (each.before, each.after) for each in reverse.fields}


@given(SNAPSHOTS, SNAPSHOTS)
def test_the_changes_explain_the_difference(one: Snapshot, other: Snapshot) -> None:
    objects = {key: flat(manifest) for key, manifest in one.objects.items()}
    for change in changes_between(one, other):
        if change.action == "deleted":
            del objects[change.key]
        elif change.action == "created":
            objects[change.key] = flat(change.manifest)
        else:
            objects[change.key] = applied(objects[change.key], change.fields)
    assert objects == {key: flat(manifest) for key, manifest in other.objects.items()}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf by its path, in the same words as the changes but found in another way. What is empty has none."""
    if isinstance(value, dict):
        return {name: leaf for key, each in value.items() for name, leaf in flat(each, f"{path}{step(key)}").items()}
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return {name: leaf for each in value for name, leaf in flat(each, f"{path}[{each['name']}]").items()}
    return {path.lstrip("."): repr(value)}


def step(key: str) -> str:
    return f'["{key}"]' if "/" in key else f".{key}"


def applied(leaves: dict[str, Any], fields: tuple[FieldChange, ...]) -> dict[str, Any]:
    gone = {path for each in fields if each.before is not None for path in flat(each.before, each.path)}
    new = {
        path: leaf for each in fields if each.after is not None for path, leaf in flat(each.after, each.path).items()
    }
    return {path: leaf for path, leaf in leaves.items() if path not in gone} | new


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({"spec": {"replicas": 1}}, {"spec": {"replicas": 3}}, ("spec.replicas", 1, 3)),
        ({"a": 1}, {"a": True}, ("a", 1, True)),
        ({}, {"labels": {"app": "x"}}, ("labels", None, {"app": "x"})),
        ({"args": ["a"]}, {"args": ["a", "b"]}, ("args", ["a"], ["a", "b"])),
        ({"l": {"a.b/c": 1}}, {"l": {"a.b/c": 2}}, ('l["a.b/c"]', 1, 2)),
        (
            {"containers": [{"name": "log"}, {"name": "web", "image": "a"}]},
            {"containers": [{"name": "web", "image": "b"}, {"name": "log"}]},
            ("containers[web].image", "a", "b"),
        ),
        (
            {"conditions": [{"type": "Ready", "status": "False"}]},
            {"conditions": [{"type": "Ready", "status": "True"}]},
            ("conditions[Ready].status", "False", "True"),
        ),
        ({"ports": [{"containerPort": 80}]}, {"ports": []}, ("ports[80]", {"containerPort": 80}, None)),
        ({"rules": [{"verbs": ["get"]}]}, {"rules": [{"verbs": ["list"]}]}, ("rules[0].verbs", ["get"], ["list"])),
    ],
)
def test_fields_are_named_as_people_name_them(before: Any, after: Any, wanted: tuple[str, Any, Any]) -> None:
    path, old, new = wanted
    assert field_changes(before, after) == (FieldChange(path=path, before=old, after=new),)


def test_changes_come_in_the_order_of_kinds_and_names() -> None:
    keys = [ObjectKey("v1", kind, "ns", name) for kind in ("Service", "Pod") for name in ("b", "a")]
    found = changes_between(Snapshot(objects={}), Snapshot(objects={key: {"kind": key.kind} for key in keys}))
    assert [str(each.key) for each in found] == ["Pod/a", "Pod/b", "Service/a", "Service/b"]
    assert all(each.action == "created" and each.manifest for each in found)
