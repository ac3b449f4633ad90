"""How a field of an object is named in text: `spec.template.spec.containers[web].image`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["field", "identity_of", "in_list"]

_IDENTITIES = ("name", "type", "containerPort", "port", "key", "topologyKey", "ip")
"""What names the elements of a list, in this order; the first that every element has, each once."""


def field(path: str, key: str) -> str:
    """The path of a mapping's field; a key that holds dots or slashes is quoted."""
    if "." in key or "/" in key:
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def in_list(path: str, identity: object) -> str:
    """The path of a list's element, by name or by place."""
    return f"{path}[{identity}]"


def identity_of(*lists: Sequence[Any]) -> str | None:
    """The key by which the elements of all these lists can be told apart; None where there is none."""
    for key in _IDENTITIES:
        if all(_tells_apart(key, elements) for elements in lists):
            return key
    return None


def _tells_apart(key: str, elements: Sequence[Any]) -> bool:
    if not all(isinstance(each, dict) and isinstance(each.get(key), str | int) for each in elements):
        return False
    return len({str(each[key]) for each in elements}) == len(elements)
