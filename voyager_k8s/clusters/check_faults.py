"""What is wrong with a check before anything is evaluated: it could never mean anything on this cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from voyager_k8s.clusters.check_text import check_text
from voyager_k8s.clusters.checks import World, no_kind, no_resource
from voyager_k8s.clusters.expressions import fault
from voyager_k8s.core.errors import TaskRejected
from voyager_k8s.core.task import AnswerCheck, AssertCheck, CanCheck, Check, ExpressionCheck, Reference

__all__ = ["validate_checks"]


def validate_checks(world: World, checks: Sequence[Check]) -> None:
    """Refuse checks that cannot mean anything on this cluster.

    Raises:
        TaskRejected: with each check at fault and why.
    """
    found = [(check_text(check), _fault(world, check)) for check in checks]
    faults = [f"check `{text}`: {reason}" for text, reason in found if reason]
    if faults:
        raise TaskRejected("; ".join(faults))


def _fault(world: World, check: Check) -> str:
    if isinstance(check, ExpressionCheck):
        return fault(check.expression, {*check.with_, "answer"}) or _unknown_kinds(world, check.with_.values())
    if isinstance(check, CanCheck):
        plural = check.can.resource.partition("/")[0]
        return "" if world.by_plural(plural) else no_resource(plural)
    if isinstance(check, AnswerCheck):
        return ""
    partial = check.assert_ if isinstance(check, AssertCheck) else check.absent
    return _unknown_kind(world, partial["apiVersion"], partial["kind"])


def _unknown_kinds(world: World, references: Iterable[Reference]) -> str:
    found = (_unknown_kind(world, each.api_version, each.kind) for each in references)
    return next((each for each in found if each), "")


def _unknown_kind(world: World, api_version: str, kind: str) -> str:
    return "" if world.find(api_version, kind) else no_kind(world, api_version, kind)
