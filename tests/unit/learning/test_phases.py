"""Phases add up: what an inner one takes is not the outer one's."""

from __future__ import annotations

from time import perf_counter, sleep

import pytest

from voyager_k8s.learning.record import Phases


def test_the_phases_of_a_whole_add_up_to_it() -> None:
    phases, began = Phases(), perf_counter()
    with phases.measure("practice"):
        sleep(0.01)
        with phases.measure("run"):
            sleep(0.02)
            with phases.measure("model"):
                sleep(0.005)
        with phases.measure("run"):
            sleep(0.01)
    whole = perf_counter() - began

    assert set(phases.seconds) == {"practice", "run", "model"}
    assert sum(phases.seconds.values()) <= whole
    assert phases.seconds["practice"] >= 0.01
    assert phases.seconds["run"] >= 0.03
    assert phases.seconds["model"] >= 0.005
    assert phases.seconds["practice"] <= whole - 0.035


def test_a_phase_inside_itself_is_counted_once() -> None:
    phases, began = Phases(), perf_counter()
    with phases.measure("settle"), phases.measure("settle"):
        sleep(0.01)

    assert 0.01 <= phases.seconds["settle"] <= perf_counter() - began


def test_a_phase_that_ends_in_an_exception_is_counted_and_closed() -> None:
    phases = Phases()
    with pytest.raises(KeyError), phases.measure("outer"), phases.measure("inner"):
        raise KeyError("x")
    before = dict(phases.seconds)

    with phases.measure("after"):
        sleep(0.005)

    assert set(before) == {"outer", "inner"}
    assert {name: phases.seconds[name] for name in before} == before
    assert phases.seconds["after"] >= 0.005


def test_nothing_measured_is_nothing() -> None:
    assert Phases().seconds == {}
