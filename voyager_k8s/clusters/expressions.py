"""CEL expressions: the only module that imports `cel`, and late (loading it takes 0.4 s).

The language: https://cel.dev; the library: common-expression-language.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import cel

__all__ = ["Unanswered", "evaluate", "fault", "warm_up"]

_BOUND = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")
"""The variable that a macro binds: `pods.all(p, ...)`."""
_TYPES = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"})


class Unanswered(Exception):
    """An expression came to no true or false; the message says why."""

    def __init__(self, message: str, ill_written: bool) -> None:
        super().__init__(message)
        self.ill_written = ill_written
        """Whether the expression is at fault, whatever the objects hold."""


def warm_up() -> None:
    """Load the library now, so that the first expression need not wait for it."""
    _compiled("true")


def fault(expression: str, variables: Set[str]) -> str:
    """What is wrong with an expression before any object is seen; empty where nothing is.

    Args:
        variables: the names it may use.
    """
    try:
        used = set(_compiled(expression).variables())
    except ValueError as error:
        return _first_line(error)
    unknown = sorted(used - variables - _TYPES - set(_BOUND.findall(expression)))
    known = ", ".join(sorted(variables))
    return f"unknown variable {', '.join(unknown)}; there are: {known}" if unknown else ""


def evaluate(expression: str, variables: Mapping[str, Any]) -> bool:
    """Evaluate an expression that must be true or false.

    Raises:
        Unanswered: it is neither, cannot be parsed, or the objects lack what it asks for.
    """
    try:
        result = _compiled(expression).execute(dict(variables))
    except ValueError as error:
        raise Unanswered(_first_line(error), ill_written=True) from error
    except KeyError as error:
        raise Unanswered(f"there is no field {error}", ill_written=False) from error
    except (LookupError, TypeError, ArithmeticError, RuntimeError) as error:
        ill_written = str(error).startswith("Undefined variable or function")
        raise Unanswered(_first_line(error), ill_written) from error
    if not isinstance(result, bool):
        raise Unanswered(f"the result is {result!r}, not true or false", ill_written=True)
    return result


@functools.lru_cache(maxsize=256)
def _compiled(expression: str) -> cel.Program:
    import cel

    return cel.compile(expression)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
