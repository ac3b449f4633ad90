"""How a supervisor's reply becomes an execution."""

from __future__ import annotations

import json
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voyager_k8s.core.config import SandboxConfig
from voyager_k8s.sandbox.outcome import Reply, execution

LIMITS = SandboxConfig(seconds=3, memory_mib=64)


def test_a_report_is_taken_over() -> None:
    report = json.dumps({"ending": "returned", "result": {"a": [1]}})
    done = execution(Reply(report=report, output="hi\n", seconds=0.5), LIMITS)
    assert (done.ending, done.result, done.output, done.error, done.seconds) == (
        "returned",
        {"a": [1]},
        "hi\n",
        "",
        0.5,
    )


def test_a_report_counts_even_when_time_ran_out_meanwhile() -> None:
    assert execution(Reply(report='{"ending": "returned", "result": 1}', timed_out=True), LIMITS).ok


@pytest.mark.parametrize(
    ("reply", "ending", "told"),
    [
        (Reply(timed_out=True), "timeout", "3 s"),
        (Reply(exit_code=-signal.SIGXCPU), "timeout", "CPU time"),
        (Reply(exit_code=-signal.SIGSEGV), "crashed", "SIGSEGV"),
        (Reply(exit_code=-200), "crashed", "signal 200"),
        (Reply(exit_code=2), "crashed", "exit code 2"),
        (Reply(), "crashed", "closed its channel"),
        (Reply(lost=True), "crashed", "watched over it"),
        (Reply(report='{"ending": "memory", "error": "MemoryError"}'), "memory", "64 MiB"),
    ],
)
def test_every_ending_is_said_in_words(reply: Reply, ending: str, told: str) -> None:
    done = execution(reply, LIMITS)
    assert done.ending == ending
    assert told in done.error


@given(st.text() | st.recursive(st.none() | st.text(), lambda inner: st.lists(inner)).map(json.dumps))
def test_whatever_a_program_reports_is_an_execution(report: str) -> None:
    done = execution(Reply(report=report), LIMITS)
    assert done.ending == "crashed"
    assert "not of the form" in done.error
