"""Every kind of check, against a world of plain objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import TypeAdapter

from voyager_k8s.clusters.check_faults import validate_checks
from voyager_k8s.clusters.check_text import check_text
from voyager_k8s.clusters.checks import evaluate_checks
from voyager_k8s.clusters.discovery import Catalogue, Resource
from voyager_k8s.clusters.permissions import Question
from voyager_k8s.core.base import Manifest
from voyager_k8s.core.errors import TaskRejected
from voyager_k8s.core.task import Check
from voyager_k8s.core.verdict import CheckResult

CATALOGUE = Catalogue(
    Resource(group, "v1", plural, kind, kind != "Node", frozenset({"list"}))
    for group, plural, kind in [
        ("", "pods", "Pod"),
        ("", "services", "Service"),
        ("", "secrets", "Secret"),
        ("", "serviceaccounts", "ServiceAccount"),
        ("", "nodes", "Node"),
        ("apps", "deployments", "Deployment"),
    ]
)


class PlainWorld:
    """The objects given, and an authorizer that allows what is listed."""

    namespace = "ns"

    def __init__(self, *objects: Manifest, allowed: Sequence[str] = ()) -> None:
        self.objects, self.permissions = objects, allowed
        self.asked: list[Question] = []

    def find(self, api_version: str, kind: str) -> Resource | None:
        return CATALOGUE.find(api_version, kind)

    def by_plural(self, text: str) -> Resource | None:
        return CATALOGUE.by_plural(text)

    def versions(self, kind: str) -> Sequence[str]:
        return CATALOGUE.versions(kind)

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        found = self.select(resource, namespace, {})
        return next((each for each in found if each["metadata"]["name"] == name), None)

    def select(self, resource: Resource, namespace: str, labels: Mapping[str, str]) -> Sequence[Manifest]:
        alike = [each for each in self.objects if each["kind"] == resource.kind]
        alike = [each for each in alike if each["metadata"].get("namespace", "ns") == namespace]
        return [each for each in alike if labels.items() <= each["metadata"].get("labels", {}).items()]

    def allowed(self, question: Question) -> bool:
        self.asked.append(question)
        resource = f"{question.resource}.{question.group}".rstrip(".")
        return f"{question.verb} {resource}" in self.permissions

    def stable(self, text: str) -> str:
        return text.replace("x7k2p", "(1)")


def live(kind: str, name: str, labels: dict[str, str] | None = None, **rest: Any) -> Manifest:
    api_version = "apps/v1" if kind == "Deployment" else "v1"
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": labels or {}}, **rest}


def read(check: dict[str, Any]) -> Check:
    found: Check = TypeAdapter(Check).validate_python(check)
    return found


def result(check: dict[str, Any], *objects: Manifest, answer: Any = None, **more: Any) -> CheckResult:
    (found,) = evaluate_checks(PlainWorld(*objects, **more), [read(check)], answer)
    return found


def deployment(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


WEB = live("Deployment", "web", spec={"replicas": 2, "paused": False})
PODS = [
    live("Pod", "web-x7k2p", {"app": "web"}, status={"phase": "Running"}),
    live("Pod", "job", {"app": "job"}, status={"phase": "Failed"}),
]
ANY_POD = {"apiVersion": "v1", "kind": "Pod"}


@pytest.mark.parametrize(
    ("check", "holds", "detail"),
    [
        ({"assert": deployment(replicas=2)}, True, ""),
        ({"assert": deployment(replicas=3)}, False, "Deployment/web: spec.replicas is 2, wanted 3"),
        (
            {"assert": {**ANY_POD, "kind": "Service", "metadata": {"name": "web"}}},
            False,
            "no Service named web; there are none",
        ),
        (
            {"assert": {**ANY_POD, "metadata": {"name": "api"}}},
            False,
            "no Pod named api; there are: job, web-(1)",
        ),
        ({"assert": {**ANY_POD, "metadata": {"labels": {"app": "web"}}, "status": {"phase": "Running"}}}, True, ""),
        (
            {"assert": {**ANY_POD, "metadata": {"labels": {"app": "web"}}, "status": {"phase": "Failed"}}},
            False,
            "Pod/job: metadata.labels.app is job, wanted web",
        ),
        ({"assert": {**ANY_POD, "kind": "Service"}}, False, "there is no Service"),
        (
            {"assert": {"apiVersion": "v1", "kind": "Deployment"}},
            False,
            "the cluster has no kind Deployment in apiVersion v1; it is in apps/v1",
        ),
        (
            {"absent": {"apiVersion": "v2", "kind": "Gateway"}},
            False,
            "the cluster has no kind Gateway in apiVersion v2",
        ),
        ({"absent": {**ANY_POD, "metadata": {"name": "api"}}}, True, ""),
        ({"absent": {**ANY_POD, "status": {"phase": "Pending"}}}, True, ""),
        ({"absent": {**ANY_POD, "status": {"phase": "Running"}}}, False, "there is Pod/web-(1)"),
        ({"absent": {**ANY_POD, "metadata": {"namespace": "other"}}}, True, ""),
    ],
)
def test_assert_and_absent(check: dict[str, Any], holds: bool, detail: str) -> None:
    found = result(check, WEB, *PODS)
    assert (found.holds, found.detail) == (holds, detail)


def test_a_secrets_value_is_never_told() -> None:
    secret = live("Secret", "s", data={"password": "aHVudGVyMg=="})
    wanted = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    assert result({"assert": {**wanted, "stringData": {"password": "hunter2"}}}, secret).holds
    found = result({"assert": {**wanted, "data": {"password": "b3RoZXI="}}}, secret)
    assert (found.holds, found.detail) == (False, "Secret/s: data.password is not as wanted")


WITH = {
    "web": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
    "pods": {"apiVersion": "v1", "kind": "Pod"},
    "jobs": {"apiVersion": "v1", "kind": "Pod", "labels": {"app": "job"}},
}


@pytest.mark.parametrize(
    ("expression", "holds", "detail"),
    [
        ("web.spec.replicas == 2 && size(pods) == 2 && size(jobs) == 1", True, ""),
        ("web.spec.replicas > 2", False, "the expression is false"),
        ("web.status.replicas == 2", False, "there is no field 'status'"),
        ("pods[5].status.phase == 'x'", False, "index out of bounds: 5"),
        ("answer.count == 2", True, ""),
        ("answer.size == 2", False, "there is no field 'size'"),
        ("web.spec.replicas", None, "the result is 2, not true or false"),
    ],
)
def test_expression(expression: str, holds: bool | None, detail: str) -> None:
    found = result({"expression": expression, "with": WITH}, WEB, *PODS, answer={"count": 2})
    assert (found.holds, found.detail) == (holds, detail)


@pytest.mark.parametrize("expression", ["1 +", "(", "nobody == 1", "nofunction(1)"])
def test_an_expression_that_means_nothing_has_no_result(expression: str) -> None:
    found = result({"expression": expression})
    assert found.holds is None
    assert found.detail


def test_an_expression_about_what_is_not_there_does_not_hold() -> None:
    found = result({"expression": "true", "with": WITH}, *PODS)
    assert (found.holds, found.detail) == (False, "no Deployment named web; there are none")


@pytest.mark.parametrize(
    ("can", "holds", "detail"),
    [
        ({"resource": "pods", "verb": "get"}, True, ""),
        ({"resource": "pods/log", "verb": "get"}, True, ""),
        ({"resource": "deployments.apps", "verb": "patch"}, True, ""),
        ({"resource": "deployments", "verb": "patch"}, True, ""),
        ({"resource": "secrets", "verb": "get"}, False, "ServiceAccount/builder may not"),
        ({"resource": "pods", "verb": "get", "allowed": False}, False, "ServiceAccount/builder may"),
        ({"resource": "secrets", "verb": "get", "allowed": False}, True, ""),
        (
            {"resource": "pods", "verb": "get", "serviceAccount": "x"},
            False,
            "no ServiceAccount named x; there are: builder",
        ),
    ],
)
def test_can(can: dict[str, Any], holds: bool, detail: str) -> None:
    account = live("ServiceAccount", "builder")
    check = {"can": {"serviceAccount": "builder", **can}}
    found = result(check, account, allowed=["get pods", "patch deployments.apps"])
    assert (found.holds, found.detail) == (holds, detail)


def test_can_asks_for_the_service_account_with_its_groups() -> None:
    world = PlainWorld(live("ServiceAccount", "builder"))
    can = {"serviceAccount": "builder", "verb": "get", "resource": "pods/log", "name": "web"}
    evaluate_checks(world, [read({"can": can}), read({"can": {**can, "resource": "nodes"}})], None)
    groups = ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")
    user = "system:serviceaccount:ns:builder"
    assert world.asked[0] == Question(user, groups, "ns", "get", "", "pods", "log", "web")
    assert world.asked[1].namespace == ""


@pytest.mark.parametrize(
    ("wanted", "answer", "detail"),
    [
        ({"count": 3}, {"count": 3, "names": []}, ""),
        ({"count": 3}, {"count": 2}, "answer.count is 2, wanted 3"),
        (["a", "b"], ["b", "a"], 'answer is ["b", "a"], wanted ["a", "b"]'),
        ("yes", None, "answer is null, wanted yes"),
    ],
)
def test_answer(wanted: Any, answer: Any, detail: str) -> None:
    found = result({"answer": wanted}, answer=answer)
    assert (found.holds, found.detail) == (not detail, detail)


def test_an_invariant_stays_one() -> None:
    assert result({"answer": 1, "invariant": True}).invariant


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        ({"expression": "web.spec ==", "with": WITH}, "Syntax error"),
        ({"expression": "wep.spec == 1", "with": WITH}, "unknown variable wep; there are: answer, jobs, pods, web"),
        ({"expression": "true", "with": {"x": {"apiVersion": "v1", "kind": "Pods"}}}, "no kind Pods"),
        (
            {"assert": {"apiVersion": "v1", "kind": "Deployment"}},
            "no kind Deployment in apiVersion v1; it is in apps/v1",
        ),
        ({"absent": {"apiVersion": "v1", "kind": "Nothing"}}, "no kind Nothing"),
        ({"can": {"serviceAccount": "a", "verb": "get", "resource": "pod"}}, "no resource pod"),
    ],
)
def test_checks_that_cannot_mean_anything_are_refused(check: dict[str, Any], reason: str) -> None:
    with pytest.raises(TaskRejected, match=reason):
        validate_checks(PlainWorld(), [read({"answer": 1}), read(check)])


def test_good_checks_pass_validation() -> None:
    expression = "pods.all(p, p.metadata.name != '') && pods.exists(q, has(q.status)) && type(answer) == map"
    checks: list[dict[str, Any]] = [{"expression": expression, "with": WITH}, {"assert": deployment()}, {"answer": 1}]
    world = PlainWorld()
    validate_checks(world, [read(each) for each in checks])
    assert world.asked == []


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ({"assert": deployment(replicas=3)}, "assert Deployment/web: spec.replicas=3"),
        ({"absent": {**ANY_POD, "metadata": {"name": "x", "namespace": "other"}}}, "absent Pod/x in other"),
        (
            {"assert": {**ANY_POD, "spec": {"containers": [{"name": "web", "image": "a", "args": ["-v"]}]}}},
            'assert any Pod: spec.containers[web].image=a, spec.containers[web].args=["-v"]',
        ),
        (
            {"assert": {**ANY_POD, "metadata": {"labels": {"app.kubernetes.io/name": "x"}}}},
            'assert any Pod: metadata.labels["app.kubernetes.io/name"]=x',
        ),
        (
            {"expression": "size(jobs) == 1\n && true", "with": {"jobs": WITH["jobs"]}},
            "expression size(jobs) == 1 && true (with jobs=every Pod [app=job])",
        ),
        (
            {"can": {"serviceAccount": "a", "verb": "get", "resource": "pods", "allowed": False}},
            "can ServiceAccount/a: cannot get pods",
        ),
        ({"answer": {"n": 1, "ok": True}}, "answer n=1, ok=true"),
        ({"answer": "yes"}, "answer yes"),
    ],
)
def test_the_text_of_a_check(check: dict[str, Any], text: str) -> None:
    assert check_text(read(check)) == text
