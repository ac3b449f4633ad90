"""The world fails: the campaign pauses, says why in one line, and goes on when the trouble is over."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Endpoint, Recorded
from tests.e2e.outcome import outcome
from tests.support.commands import environment, run
from tests.support.openai_server import running_server

KEYED = environment(OPENAI_API_KEY="none")
TASK = {
    "goal": "Make a ConfigMap {{ name }} with the colour {{ colour }}.",
    "search_terms": "create a ConfigMap",
    "parameters": {"name": "one", "colour": "red"},
    "variants": [{"name": "two", "colour": "blue"}],
    "checks": [{"assert": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ name }}"}}}],
}


def test_an_endpoint_that_is_down_pauses_the_campaign(endpoint: Endpoint, tmp_path: Path) -> None:
    with running_server() as gone:
        port = gone.port
    """It was configured by files named from where it was started, and is resumed from somewhere else."""
    config = {"curriculum": "tasks.yaml", "models": {"default": {"attempts": 2}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "tasks.yaml").write_text(yaml.safe_dump({"name": "mine", "tasks": [TASK]}))
    model = ("--model", "openai:scripted", "--base-url", f"http://127.0.0.1:{port}/v1")
    done = run("train", "--out", "run", "--config", "mine.yaml", *model, cwd=tmp_path, env=KEYED)
    assert (done.code, done.out) == (3, "")
    assert f"openai:scripted at http://127.0.0.1:{port}/v1 failed after 2 tries" in done.complaint
    assert "--base-url" in done.complaint
    status = run("status", "run", "--json", cwd=tmp_path).json
    assert status["stopped_because"].startswith("paused: openai:scripted")
    with running_server(port) as back:
        back.follow(endpoint.campaign)
        resumed = run("resume", tmp_path / "run", "--json", cwd=Path("/"), env=KEYED)
    assert resumed.code == 0, resumed.err
    assert (resumed.json["tasks_completed"], resumed.json["stopped_because"]) == (1, "finished")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of the test's own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"\0" * 512):
            pass


def test_a_disk_that_fills_up_pauses_the_campaign(
    endpoint: Endpoint, recorded: Recorded, disk: Path, tmp_path: Path
) -> None:
    out = disk / "run"
    endpoint.campaign.act_before("critic", 2, lambda: _fill(disk))
    done = run("train", "--out", out, *endpoint.options(2), cwd=tmp_path, env=endpoint.env)
    assert (done.code, done.out) == (3, ""), done.err
    assert str(out) in done.complaint
    (disk / "filler").unlink()
    status = run("status", out, "--json", cwd=tmp_path).json
    assert (status["tasks_completed"], status["attempts"]) == (1, 1)
    resumed = run("resume", out, "--json", cwd=tmp_path, env=endpoint.env)
    assert resumed.code == 0, resumed.err
    assert outcome(resumed.json) == outcome(recorded.done.json, 2)


def test_a_full_disk_leaves_no_half_a_campaign(disk: Path, tmp_path: Path) -> None:
    (disk / "run").mkdir()
    _fill(disk)
    done = run("train", "--out", disk / "run", cwd=tmp_path, env=KEYED)
    assert (done.code, done.out) == (3, "")
    assert str(disk / "run") in done.complaint
    assert not (disk / "run" / "campaign.yaml").exists()


def test_a_full_disk_does_not_cost_a_campaign_its_configuration(recorded: Recorded, disk: Path, tmp_path: Path) -> None:
    shutil.copytree(recorded.folder, disk / "run", ignore=shutil.ignore_patterns("tasks", "index*", "lessons"))
    before = (disk / "run" / "campaign.yaml").read_bytes()
    _fill(disk)
    done = run("resume", disk / "run", cwd=tmp_path, env=KEYED)
    assert (done.code, done.out) == (3, "")
    assert str(disk / "run") in done.complaint
    assert (disk / "run" / "campaign.yaml").read_bytes() == before
