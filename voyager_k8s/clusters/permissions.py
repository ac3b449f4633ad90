"""Who asks the authorizer what: the words of a SubjectAccessReview."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Question", "groups_of", "user_of"]


@dataclass(frozen=True)
class Question:
    """May someone do something?"""

    user: str
    groups: tuple[str, ...]
    namespace: str
    """Empty for a cluster-scoped resource."""
    verb: str
    group: str
    resource: str
    subresource: str = ""
    name: str = ""


def user_of(namespace: str, account: str) -> str:
    """The user name of a ServiceAccount."""
    return f"system:serviceaccount:{namespace}:{account}"


def groups_of(namespace: str) -> tuple[str, ...]:
    """The groups that every ServiceAccount of a namespace is in."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
