"""Kubernetes quantities: `500m` and `0.5` are the same amount, `1Gi` and `1024Mi` too.

The grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["holds_quantities", "quantity"]

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,2})|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]))?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}

_HOLDERS = frozenset(
    {
        "allocatable",
        "averageValue",
        "capacity",
        "default",
        "defaultRequest",
        "divisor",
        "hard",
        "limits",
        "max",
        "maxLimitRequestRatio",
        "min",
        "requests",
        "sizeLimit",
        "used",
    }
)
"""Fields that are, or whose own fields are, quantities in the built-in kinds."""


def holds_quantities(key: str) -> bool:
    """Whether a field of this name holds quantities."""
    return key in _HOLDERS


def quantity(value: object) -> Decimal | None:
    """The amount; None where the value is no quantity."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _FORM.fullmatch(str(value))
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    amount = Decimal(number + (exponent or ""))
    if suffix in _BINARY:
        return amount * Decimal(1024) ** _BINARY[suffix]
    return amount.scaleb(_DECIMAL[suffix]) if suffix else amount
