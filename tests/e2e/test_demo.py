"""The recorded campaign that `make demo` plays: all but the replies is live."""

from __future__ import annotations

from pathlib import Path

from tests.support.commands import run

ROUNDS = 14


def test_the_demo_learns_what_was_recorded(tmp_path: Path) -> None:
    trained = run("train", "--out", "demo", "--replay", "demo", "--iterations", str(ROUNDS), cwd=tmp_path)
    assert trained.code == 0, trained.err
    status = run("status", "demo", "--json", cwd=tmp_path).json

    assert (status["tasks_completed"], status["tasks_failed"]) == (ROUNDS, 0)
    assert status["stopped_because"] == "finished"
    assert len(status["skills"]) == ROUNDS
    assert sum(bool(skill["imports_learned"]) for skill in status["skills"]) >= 3
    assert {skill["status"] for skill in status["skills"]} == {"verified"}
    assert status["replay"]["replies"] == status["tokens"]["calls"]


def test_a_replay_takes_on_as_many_tasks_as_were_recorded(tmp_path: Path) -> None:
    (tmp_path / "empty.cassette").write_text(
        "# voyager-k8s cassette 1: model replies, found by role, task and ordinal\n"
    )
    refused = run("train", "--out", "none", "--replay", "empty.cassette", cwd=tmp_path)

    assert refused.code == 3
    assert "no reply for curriculum at task-001 #1" in refused.err
    assert "iterations: 1\n" in (tmp_path / "none" / "campaign.yaml").read_text()
