"""A person gives the goals: through a pipe, and at a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import Endpoint
from tests.support.commands import PROGRAM, run

_ANSWER = "from voyager_k8s.cli import train; print(repr(train._ask('What? ')))"
"""The question alone, because a campaign around it takes seconds."""


def test_a_person_gives_goals_until_an_empty_line(endpoint: Endpoint, tmp_path: Path) -> None:
    done = run(
        *("train", "--out", "run", *endpoint.options(), "--curriculum", "manual", "--json"),
        cwd=tmp_path,
        env=endpoint.env,
        stdin="Keep a colour somewhere (wish 7)\n\nand never this\n",
    )
    assert done.code == 0, done.err
    assert "What should be learned next?" in done.err
    assert done.json["stopped_because"] == "stopped by hand"
    assert [task["goal"].endswith("(wish 7)") for task in done.json["tasks"]] == [True]


@pytest.mark.parametrize(("typed", "answer"), [("a goal\n", "'a goal'"), ("\n", "''"), ("", "''")])
def test_the_end_of_the_input_is_an_empty_line(typed: str, answer: str, tmp_path: Path) -> None:
    done = run("-c", _ANSWER, cwd=tmp_path, stdin=typed, program=Path(sys.executable))
    assert (done.code, done.out.strip(), done.err.strip()) == (0, answer, "What?")


def test_a_person_stops_at_the_question_by_ctrl_c(endpoint: Endpoint, tmp_path: Path) -> None:
    """On a terminal: the question waits for a line, and Ctrl-C is a key."""
    ours, theirs = pty.openpty()
    command: list[str | Path] = [PROGRAM, "train", "--out", "run", *endpoint.options(), "--curriculum", "manual"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=endpoint.env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        _read_until(ours, b"to stop) ")
        os.killpg(process.pid, signal.SIGINT)
        said = _read_until(ours, b"stopped")
        assert process.wait(30) == 130
        assert b"Traceback" not in said
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert endpoint.campaign.asked == []
    assert run("status", "run", "--json", cwd=tmp_path).json["stopped_because"] == "interrupted"


def _read_until(terminal: int, wanted: bytes, seconds: float = 60.0) -> bytes:
    said, deadline = b"", time.monotonic() + seconds
    os.set_blocking(terminal, False)
    while wanted not in said:
        assert time.monotonic() < deadline, said
        with suppress(BlockingIOError):
            said += os.read(terminal, 4096)
        time.sleep(0.02)
    return said
