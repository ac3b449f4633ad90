"""Does a live object match a partial one? The rules of KUTTL's asserts, with quantities by value.

Mappings match by the keys given; lists of scalars must be equal; each element of a list of mappings must
match a live element of its own, in any order. Quantities in resource fields are compared by value. A
wanted `null` or `[]` is also matched by a field that is not there, because the API server leaves such out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from voyager_k8s.clusters.quantities import holds_quantities, quantity
from voyager_k8s.core.paths import field, in_list

__all__ = ["Miss", "misses", "show"]

_SHOWN_CHARS = 80
_NAMES = ("name", "type", "containerPort", "port", "key")


@dataclass(frozen=True)
class Miss:
    """One place where the live value is not as wanted."""

    path: str
    text: str
    """What is there: `is 2, wanted 3`, `is missing`."""

    def __str__(self) -> str:
        return f"{self.path} {self.text}".strip()


def misses(wanted: Any, live: Any, path: str = "", amounts: bool = False) -> tuple[Miss, ...]:
    """Every place where the live value does not match; none where it does.

    Args:
        path: of the values, for the misses' text.
        amounts: whether scalars here are quantities.
    """
    return tuple(_misses(wanted, live, path, amounts))


def show(value: Any) -> str:
    """A value in a few words: a long one is cut."""
    text = value if isinstance(value, str) and value else json.dumps(value, default=str)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"


def _misses(wanted: Any, live: Any, path: str, amounts: bool) -> Iterator[Miss]:
    if isinstance(wanted, dict):
        yield from _mapping(wanted, live, path, amounts)
    elif isinstance(wanted, list) and wanted and all(isinstance(each, dict) for each in wanted):
        yield from _elements(wanted, live, path, amounts)
    elif isinstance(wanted, list):
        yield from _list(wanted, live, path, amounts)
    elif not _same(wanted, live, amounts):
        yield Miss(path, f"is {show(live)}, wanted {show(wanted)}")


def _mapping(wanted: dict[str, Any], live: Any, path: str, amounts: bool) -> Iterator[Miss]:
    if not isinstance(live, dict):
        yield Miss(path, f"is {show(live)}, wanted a mapping")
        return
    for key, value in wanted.items():
        where = field(path, key)
        if key in live or value is None or value == []:
            yield from _misses(value, live.get(key), where, amounts or holds_quantities(key))
        else:
            yield Miss(where, f"is missing, wanted {show(value)}")


def _list(wanted: list[Any], live: Any, path: str, amounts: bool) -> Iterator[Miss]:
    found = [] if live is None else live
    same = isinstance(found, list) and len(found) == len(wanted)
    if not same or any(misses(one, other, path, amounts) for one, other in zip(wanted, found, strict=True)):
        yield Miss(path, f"is {show(live)}, wanted {show(wanted)}")


def _elements(wanted: list[dict[str, Any]], live: Any, path: str, amounts: bool) -> Iterator[Miss]:
    if not isinstance(live, list):
        yield Miss(path, "is missing" if live is None else f"is {show(live)}, wanted a list")
        return
    fits = [[not misses(one, other, path, amounts) for other in live] for one in wanted]
    for place in _unmatched(fits):
        yield from _nearest(wanted[place], live, path, amounts)


def _unmatched(fits: Sequence[Sequence[bool]]) -> list[int]:
    """The wanted elements left over when as many as can be have a live element each (augmenting paths)."""
    taken: dict[int, int] = {}

    def place(wanted: int, tried: set[int]) -> bool:
        for live, fit in enumerate(fits[wanted]):
            if fit and live not in tried:
                tried.add(live)
                if live not in taken or place(taken[live], tried):
                    taken[live] = wanted
                    return True
        return False

    return [wanted for wanted in range(len(fits)) if not place(wanted, set())]


def _nearest(wanted: dict[str, Any], live: list[Any], path: str, amounts: bool) -> Iterator[Miss]:
    """What is wrong with the live element of the same name; else that there is none."""
    key = next((key for key in _NAMES if key in wanted), None)
    twin = next((each for each in live if key and isinstance(each, dict) and each.get(key) == wanted[key]), None)
    found = misses(wanted, twin, in_list(path, wanted[key]), amounts) if key and twin is not None else ()
    if found:
        yield from found
    elif twin is not None:
        yield Miss(path, f"has fewer elements than wanted that match {show(wanted)}")
    else:
        yield Miss(path, f"has no element that matches {show(wanted)}; there are: {show(_named(live))}")


def _named(live: list[Any]) -> Any:
    names = [next((each[key] for key in _NAMES if key in each), None) for each in live if isinstance(each, dict)]
    return names if names and None not in names else live


def _same(wanted: Any, live: Any, amounts: bool) -> bool:
    if isinstance(wanted, bool) or isinstance(live, bool):
        return wanted is live
    if amounts:
        one, other = quantity(wanted), quantity(live)
        if one is not None and other is not None:
            return one == other
    return bool(wanted == live)
