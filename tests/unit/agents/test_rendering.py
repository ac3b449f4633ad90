"""The world as text: within its budget, with a note of what was left out, and always the same."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import CHECKS, CONFIG_MAP, a_snapshot, an_execution, created, event, modified
from voyager_k8s.agents.rendering import (
    fit,
    shorten,
    show_changes,
    show_checks,
    show_events,
    show_execution,
    show_snapshot,
    show_unchanged,
)
from voyager_k8s.core.world import Change, ObjectKey, Snapshot

NOTE = 120
"""Characters that notes of what was left out may add to a budget."""
TEXT = st.text(string.printable, max_size=300)
BUDGET = st.integers(0, 400)


@given(text=TEXT, limit=BUDGET)
def test_a_text_is_cut_in_the_middle_and_says_how_much(text: str, limit: int) -> None:
    short = shorten(text, limit)

    if len(text) <= limit:
        assert short == text
    else:
        head, note, tail = short[: limit * 2 // 3], *short[limit * 2 // 3 :].split(" characters left out ...]\n", 1)
        assert text.startswith(head)
        assert text.endswith(tail)
        assert note == f"\n[... {len(text) - len(head) - len(tail)}"
        assert len(head) + len(tail) <= limit


@given(blocks=st.lists(TEXT, max_size=12), budget=BUDGET)
def test_blocks_fit_their_budget_and_none_is_lost_in_silence(blocks: list[str], budget: int) -> None:
    text = fit(blocks, budget, "things")

    assert len(text) <= budget + NOTE
    if len("\n".join(blocks)) <= budget:
        assert text == ("\n".join(blocks) or "(nothing)")
    else:
        kept, note, number = text, "", 0
        if text.endswith(" more things left out)"):
            kept, _, note = text.rpartition("(")
            number = int(note.split()[0])
        shown = blocks[: len(blocks) - number]
        assert shown
        if len(shown) > 1:
            assert kept == "\n".join(shown) + ("\n" if number else "")
        else:
            assert kept.startswith(shown[0][: budget * 2 // 3])


def test_the_first_block_always_comes_and_a_later_one_never_before_it() -> None:
    assert fit(["a" * 90, "b" * 20, "c"], 60, "pods").split("\n") == [
        "a" * 40,
        "[... 30 characters left out ...]",
        "a" * 20,
        "(2 more pods left out)",
    ]


def test_nothing_is_said_to_be_nothing() -> None:
    assert [fit([], 10, "x"), show_changes((), 9), show_events((), 9), show_checks(())] == ["(nothing)"] * 4
    assert show_snapshot(Snapshot(objects={}), 9) == "(nothing)"


def test_objects_are_shown_as_compact_yaml_in_the_order_of_their_keys() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}, "status": None}

    assert show_snapshot(a_snapshot(pod, CONFIG_MAP), 1_000) == (
        "- ConfigMap/settings\n    metadata:\n      labels: {app: shop}\n    data: {colour: blue}\n- Pod/a"
    )


def test_each_kind_of_change_has_its_sign() -> None:
    secret = Change(action="deleted", key=ObjectKey("v1", "Secret", "ns", "old"))
    changes = (
        created(CONFIG_MAP),
        secret,
        modified("spec.replicas", None, 2),
        modified("spec.x", {"b": 1, "a": []}, None),
    )

    assert show_changes(changes, 1_000) == (
        "~ Deployment/web\n"
        "    spec.replicas: (none) -> 2\n"
        "~ Deployment/web\n"
        '    spec.x: {"a": [], "b": 1} -> (none)\n'
        "+ ConfigMap/settings\n"
        "    metadata:\n"
        "      labels: {app: shop}\n"
        "    data: {colour: blue}\n"
        "- Secret/old"
    )


def test_of_an_object_that_a_controller_made_only_what_may_differ_from_its_template_is_shown() -> None:
    ready = {"type": "Ready", "status": "True"}
    waiting = {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-1",
            "labels": {"app": "web"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "w"}],
        },
        "spec": {"serviceAccountName": "web", "containers": [{"name": "web", "image": "nginx", "tty": True}]},
        "status": {"phase": "Running", "conditions": [ready]},
    }

    usual = show_changes([created(pod)], 1_000)
    unusual = show_changes([created({**pod, "status": {"conditions": [ready, waiting]}})], 1_000)

    assert usual == (
        "+ Pod/web-1\n    metadata:\n      labels: {app: web}\n    spec:\n      serviceAccountName: web\n"
        "      containers:\n      - {name: web, image: nginx}\n    status: {phase: Running}"
    )
    assert "ContainersNotReady" in unusual
    assert "tty" not in usual + unusual


def test_objects_that_are_alike_are_shown_once() -> None:
    owners = [{"kind": "ReplicaSet", "name": "w"}]
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"web-{n}", "ownerReferences": owners}} for n in (1, 2)
    ]

    assert show_changes([created(pod) for pod in pods], 1_000) == "+ Pod/web-1, Pod/web-2"
    assert show_snapshot(a_snapshot(*pods), 1_000) == "- Pod/web-1, Pod/web-2"


def test_what_is_unchanged_is_shown_by_its_labels_and_selector() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"selector": {"app": "x"}}}
    before = a_snapshot(service, CONFIG_MAP)

    shown = show_unchanged(before, [created(CONFIG_MAP)], 1_000)

    assert shown == '- Service/s: {"selector": {"app": "x"}}'


def test_an_object_that_a_program_made_is_shown_with_its_spec() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"x": 1}, "status": {}}

    assert show_changes([created(pod)], 1_000) == "+ Pod/a\n    spec: {x: 1}"


def test_one_long_value_does_not_crowd_out_the_others() -> None:
    shown = show_changes((modified("data.a", "x" * 5_000, "y"), modified("data.b", 1, 2)), 1_000)

    assert "data.b: 1 -> 2" in shown
    assert len(shown) < 600


def test_warnings_come_first_and_routine_last() -> None:
    events = (event(type="Normal", reason="Pulled", message="a\n b"), event(count=4), event(type="Normal", reason="Z"))

    assert show_events(events, 1_000).split("\n") == [
        "Warning BackOff Pod/web-0: Back-off restarting",
        "Normal Z Pod/web-0: Back-off restarting",
        "Normal Pulled Pod/web-0: a b",
    ]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"result": {"b": 1, "a": None}}, 'It returned: {"a": null, "b": 1}'),
        ({"result": None}, "It returned: null"),
        ({"output": "hello\n"}, 'It returned: "settings"\nPrinted:\nhello\n'),
        ({"ending": "raised", "error": "ValueError: no"}, "It raised an exception.\nError:\nValueError: no"),
        ({"ending": "timeout", "error": "60 s"}, "It was stopped at its time limit.\nError:\n60 s"),
        ({"ending": "memory"}, "It was stopped at its memory limit."),
        ({"ending": "crashed"}, "It ended without returning or raising."),
    ],
)
def test_an_execution_says_how_it_ended(fields: dict[str, object], text: str) -> None:
    assert show_execution(an_execution(**fields), 1_000) == text


@given(result=TEXT, output=TEXT, error=TEXT, ending=st.sampled_from(["returned", "raised"]), budget=BUDGET)
def test_an_execution_fits_its_budget(result: str, output: str, error: str, ending: str, budget: int) -> None:
    returned = ending == "returned"
    execution = an_execution(ending=ending, result=result, output=output, error="" if returned else error)

    assert len(show_execution(execution, budget)) <= budget + 2 * NOTE


@given(texts=st.lists(TEXT, max_size=8), budget=BUDGET)
def test_snapshots_changes_and_events_fit_their_budgets(texts: list[str], budget: int) -> None:
    manifests = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": str(n)}, "x": t} for n, t in enumerate(texts)]

    assert len(show_snapshot(a_snapshot(*manifests), budget)) <= budget + NOTE
    assert len(show_changes([created(manifest) for manifest in manifests], budget)) <= budget + NOTE
    assert len(show_events([event(message=text) for text in texts], budget)) <= budget + NOTE


def test_checks_are_marked() -> None:
    assert show_checks(CHECKS).split("\n") == [
        "- FAILS: assert ConfigMap/settings data.colour=blue -- no such object",
        "- holds (must stay true): assert Deployment/web readyReplicas=2",
        "- unknown: expression pods.size() == 2 -- no such key: pods",
    ]
