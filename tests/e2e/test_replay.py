"""What was recorded plays again: the same world gives the same prompts."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.conftest import Recorded
from tests.e2e.outcome import outcome
from tests.support.commands import Done, run


def _replay(home: Path, cassette: Path, *options: str, rounds: int = 3) -> Done:
    replay = ("--replay", cassette, "--iterations", str(rounds))
    return run("train", "--out", "run", *replay, *options, "--json", cwd=home)


def _without(cassette: Path, name: str, target: Path) -> Path:
    """A copy of a cassette that lacks one entry."""
    text, count = re.subn(rf"\n=== {name}\n.*?\n=== end\n", "", cassette.read_text(), count=1, flags=re.DOTALL)
    assert count == 1
    target.write_text(text)
    return target


def test_a_replay_asks_the_same_and_learns_the_same(recorded: Recorded, tmp_path: Path) -> None:
    done = _replay(tmp_path, recorded.cassette, "--strict-replay")
    assert done.code == 0, done.err
    assert done.json["replay"] == {"replies": recorded.calls, "mismatches": 0}
    assert outcome(done.json) == outcome(recorded.done.json)
    assert done.json["tokens"] == recorded.done.json["tokens"]
    mine, theirs = tmp_path / "run" / "tasks", recorded.folder / "tasks"
    pages = sorted(page.relative_to(theirs) for page in theirs.rglob("*.md"))
    assert len(pages) == recorded.calls
    assert [(mine / page).read_text() for page in pages] == [(theirs / page).read_text() for page in pages]
    for name in ("make_config_map", "run_deployment", "publish_deployment"):
        file = Path("library", "skills", f"{name}.py")
        assert (tmp_path / "run" / file).read_text() == (recorded.folder / file).read_text()


def test_a_cassette_that_lacks_a_reply_pauses_the_campaign(recorded: Recorded, tmp_path: Path) -> None:
    """It also has a reply that is said to have answered another prompt: that is told, and counted."""
    cassette = _reworded(_without(recorded.cassette, "action task-002 2", tmp_path / "replies.cassette"))
    done = _replay(tmp_path, cassette, rounds=2)
    assert (done.code, done.out) == (3, "")
    assert "no reply for action at task-002 #2" in done.complaint
    assert "it has #1" in done.complaint
    assert "describer at task-001 #1 was recorded for another prompt" in done.err
    status = run("status", "run", "--json", cwd=tmp_path).json
    assert (status["attempts"], status["tasks_completed"]) == (2, 1)
    assert status["stopped_because"].startswith("paused: ")

    cassette.write_bytes(recorded.cassette.read_bytes())
    resumed = run("resume", "run", "--json", cwd=tmp_path)
    assert resumed.code == 0, resumed.err
    assert outcome(resumed.json) == outcome(recorded.done.json, 2)
    assert resumed.json["replay"] == {"replies": resumed.json["tokens"]["calls"], "mismatches": 1}


def test_a_reworded_prompt_is_refused_where_it_must_be_the_same(recorded: Recorded, tmp_path: Path) -> None:
    cassette = _reworded(_without(recorded.cassette, "action task-002 2", tmp_path / "replies.cassette"))
    done = _replay(tmp_path, cassette, "--strict-replay")
    assert (done.code, done.out) == (3, "")
    assert "describer at task-001 #1 was recorded for another prompt" in done.complaint


def _reworded(cassette: Path) -> Path:
    """With the first description said to have answered another prompt."""
    head = r"(=== describer task-001 1\nprompt: )\S+"
    cassette.write_text(re.sub(head, r"\g<1>0123456789abcdef", cassette.read_text()))
    return cassette
