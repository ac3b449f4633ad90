"""The rules by which a live object matches a partial one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyager_k8s.clusters.matching import misses, show
from voyager_k8s.clusters.quantities import quantity

SCALARS = st.booleans() | st.integers(-99, 99) | st.text("abcxyz", min_size=1, max_size=4)
KEYS = st.text("abcdefgh", min_size=1, max_size=3)
OBJECTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.dictionaries(KEYS, inner, min_size=1, max_size=4)
        | st.lists(SCALARS, min_size=1, max_size=3)
        | st.lists(st.dictionaries(KEYS, inner, min_size=1, max_size=3), min_size=1, max_size=3)
    ),
    max_leaves=15,
)
MAPPINGS = st.dictionaries(KEYS, OBJECTS, min_size=1, max_size=4)


def parts(value: Any, draw: Any) -> Any:
    """Some part of a value: fewer keys, fewer elements of a list of mappings."""
    if isinstance(value, dict):
        return {key: parts(each, draw) for key, each in value.items() if draw(st.booleans())}
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        kept = [parts(each, draw) for each in value if draw(st.booleans())]
        return kept or value
    return value


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in leaves(each, (*path, key))]
    if isinstance(value, list):
        return [leaf for place, each in enumerate(value) for leaf in leaves(each, (*path, place))]
    return [path]


@given(MAPPINGS)
def test_an_object_matches_itself(value: dict[str, Any]) -> None:
    assert misses(value, copy.deepcopy(value)) == ()


@given(MAPPINGS, st.data())
def test_an_object_matches_every_part_of_itself(value: dict[str, Any], data: st.DataObject) -> None:
    assert misses(parts(value, data.draw), value) == ()


@given(MAPPINGS, st.data())
def test_one_leaf_that_differs_is_a_miss(value: dict[str, Any], data: st.DataObject) -> None:
    *way, last = data.draw(st.sampled_from(leaves(value)))
    changed = copy.deepcopy(value)
    holder: Any = changed
    for step in way:
        holder = holder[step]
    holder[last] = "a value that occurs nowhere"
    assert misses(changed, value)


@given(st.dictionaries(KEYS, SCALARS, min_size=1, max_size=4), st.data())
def test_a_missing_field_is_named(value: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(value)))
    live = {name: each for name, each in value.items() if name != key}
    assert [miss.path for miss in misses({"spec": value}, {"spec": live})] == [f"spec.{key}"]


@pytest.mark.parametrize(
    ("wanted", "live", "text"),
    [
        ({"spec": {"replicas": 3}}, {"spec": {"replicas": 2}}, "spec.replicas is 2, wanted 3"),
        ({"spec": {"replicas": "3"}}, {"spec": {"replicas": 3}}, "spec.replicas is 3, wanted 3"),
        ({"ready": True}, {"ready": 1}, "ready is 1, wanted true"),
        ({"spec": {"a": 1}}, {"spec": "text"}, "spec is text, wanted a mapping"),
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}, 'args is ["b", "a"], wanted ["a", "b"]'),
        ({"args": ["a"]}, {"args": ["a", "b"]}, 'args is ["a", "b"], wanted ["a"]'),
        ({"emptyDir": {}}, {}, "emptyDir is missing, wanted {}"),
        (
            {"containers": [{"name": "web", "image": "b"}]},
            {"containers": [{"name": "log", "image": "b"}, {"name": "web", "image": "a"}]},
            "containers[web].image is a, wanted b",
        ),
        (
            {"ports": [{"name": "http"}]},
            {"ports": [{"name": "metrics"}]},
            'ports has no element that matches {"name": "http"}; there are: ["metrics"]',
        ),
        ({"ports": [{"port": 80}, {"port": 80}]}, {"ports": [{"port": 80}]}, None),
    ],
)
def test_a_miss_says_what_is_there(wanted: Any, live: Any, text: str | None) -> None:
    found = misses(wanted, live)
    assert len(found) == 1
    assert text is None or str(found[0]) == text


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"requests": {"cpu": "500m", "memory": "1Gi"}}, {"requests": {"cpu": "0.5", "memory": "1024Mi"}}),
        ({"hard": {"pods": 10}}, {"hard": {"pods": "10"}}),
        ({"annotations": None, "taints": []}, {"name": "x"}),
        (
            {"ports": [{"port": 80}, {"protocol": "TCP"}]},
            {"ports": [{"protocol": "TCP", "port": 80}, {"protocol": "TCP"}]},
        ),
    ],
)
def test_what_counts_as_the_same(wanted: Any, live: Any) -> None:
    assert misses(wanted, live) == ()


def test_only_resource_fields_hold_quantities() -> None:
    assert misses({"data": {"size": "1Gi"}}, {"data": {"size": "1024Mi"}})


def test_elements_are_placed_so_that_as_many_match_as_can() -> None:
    wanted = [{"a": 1}, {"a": 1, "b": 2}]
    assert misses({"l": wanted}, {"l": [{"a": 1, "b": 2}, {"a": 1}]}) == ()
    assert misses({"l": [*wanted, {"b": 2}]}, {"l": [{"a": 1, "b": 2}, {"a": 1}, {"c": 3}]})


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1000m"), ("1k", "1000"), ("1Ki", "1024"), ("1.5Gi", "1536Mi"), ("1e3", "1k"), (2, "2")]
)
def test_equal_quantities(one: object, other: object) -> None:
    assert quantity(one) is not None
    assert quantity(one) == quantity(other)


@pytest.mark.parametrize("text", ["", "abc", "1 Gi", "1GiB", "--1", True, None, [1]])
def test_what_is_no_quantity(text: object) -> None:
    assert quantity(text) is None


def test_a_long_value_is_cut() -> None:
    assert show("x" * 500) == "x" * 80 + "…"
