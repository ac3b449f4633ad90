"""The error tree is as it is drawn on top of its file."""

from __future__ import annotations

import re

from voyager_k8s.core import errors


def drawn() -> dict[str, str]:
    """Each error's parent, read off the drawing."""
    parents: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^(?P<branch>[ │├└─]+)(?P<name>[A-Z]\w+(?:Error|Rejection|Rejected)|Rejection)\b", line)
        if not found:
            continue
        depth, name = len(found["branch"]), found["name"]
        path = [(level, above) for level, above in path if level < depth]
        if path:
            parents[name] = path[-1][1]
        path.append((depth, name))
    return parents


def test_the_drawing_shows_every_error_under_its_parent() -> None:
    actual = {name: getattr(errors, name).__bases__[0].__name__ for name in errors.__all__ if name != "VoyagerError"}

    assert drawn() == actual


def test_a_rejection_is_neither_the_users_nor_the_worlds_fault() -> None:
    assert not issubclass(errors.Rejection, errors.UsageError | errors.InfrastructureError)
