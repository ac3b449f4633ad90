"""What was recorded plays again: the same world gives the same prompts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Recorded
from tests.e2e.outcome import outcome
from tests.support.commands import Done, run


def _replay(recorded: Recorded, home: Path, cassette: Path, *options: str) -> Done:
    replay = ("--replay", cassette, "--iterations", "3")
    return run("train", "--out", "run", *replay, *options, "--json", cwd=home)


def _without(cassette: Path, name: str, target: Path) -> Path:
    """A copy of a cassette that lacks one entry."""
    text, count = re.subn(rf"\n=== {name}\n.*?\n=== end\n", "", cassette.read_text(), count=1, flags=re.DOTALL)
    assert count == 1
    target.write_text(text)
    return target


def test_a_replay_asks_the_same_and_learns_the_same(recorded: Recorded, tmp_path: Path) -> None:
    done = _replay(recorded, tmp_path, recorded.cassette, "--strict-replay")
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
    cassette = _without(recorded.cassette, "action task-002 2", tmp_path / "replies.cassette")
    done = _replay(recorded, tmp_path, cassette)
    assert (done.code, done.out) == (3, "")
    assert "no reply for action at task-002 #2" in done.complaint
    assert "it has #1" in done.complaint
    status = run("status", "run", "--json", cwd=tmp_path).json
    assert (status["attempts"], status["tasks_completed"]) == (2, 1)
    assert status["stopped_because"].startswith("paused: ")

    cassette.write_bytes(recorded.cassette.read_bytes())
    resumed = run("resume", "run", "--json", cwd=tmp_path)
    assert resumed.code == 0, resumed.err
    assert outcome(resumed.json) == outcome(recorded.done.json)
    assert resumed.json["replay"] == {"replies": recorded.calls, "mismatches": 0}


@pytest.mark.parametrize("strict", [True, False])
def test_a_reworded_prompt_is_counted_or_refused(recorded: Recorded, tmp_path: Path, strict: bool) -> None:
    """The recording is told that one prompt was another."""
    text = recorded.cassette.read_text()
    cassette = tmp_path / "replies.cassette"
    cassette.write_text(re.sub(r"(=== describer task-001 1\nprompt: )\S+", r"\g<1>0123456789abcdef", text))
    options = ("--iterations", "1", *(["--strict-replay"] if strict else []))
    done = _replay(recorded, tmp_path, cassette, *options)
    if strict:
        assert (done.code, done.out) == (3, "")
        assert "describer at task-001 #1 was recorded for another prompt" in done.complaint
    else:
        assert done.code == 0
        assert done.json["replay"] == {"replies": 4, "mismatches": 1}
        assert "describer at task-001 #1 was recorded for another prompt" in done.err
