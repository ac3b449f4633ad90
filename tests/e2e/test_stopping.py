"""Campaigns that are killed or interrupted go on where they were."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import Endpoint, Recorded
from tests.e2e.outcome import attempts, cluster_of, outcome, still_running
from tests.support.campaign import ATTEMPTS, Question
from tests.support.commands import Done, run, started, wait_until
from voyager_k8s.clusters.settings import default_cache

STOPPING = "stopping after this attempt"
AT_ONCE = 20.0
"""Seconds: a cluster is taken down in that time, also on a machine that has other things to do."""

MOMENTS = {
    "the action agent writes the second attempt": (Question("action", 2, 2), 2),
    "the critic judges the first attempt": (Question("critic", 1), 0),
    "the describer describes the last skill": (Question("describer", 3), 4),
    "the curriculum proposes the second task": (Question("curriculum", 2), 1),
}
"""What is asked when the campaign is killed, and the attempts finished by then. A campaign has as many rounds
as it takes to get there."""


def _resume(endpoint: Endpoint, home: Path) -> Done:
    endpoint.campaign.go_on()
    return run("resume", "run", "--json", cwd=home, env=endpoint.env)


def _stopped_because(home: Path) -> str:
    return str(run("status", "run", "--json", cwd=home).json["stopped_because"])


@pytest.mark.parametrize(("moment", "count"), MOMENTS.values(), ids=MOMENTS.keys())
def test_a_killed_campaign_repeats_no_finished_attempt_and_loses_none(
    moment: Question, count: int, endpoint: Endpoint, recorded: Recorded, tmp_path: Path
) -> None:
    endpoint.campaign.hang_at(moment.role, moment.task, moment.attempt)
    train = ("train", "--out", "run", *endpoint.options(moment.task))
    with started(*train, cwd=tmp_path, folder=tmp_path / "said", env=endpoint.env) as running:
        wait_until(endpoint.campaign.hanging.is_set, "the question to hang at is asked")
        cluster = cluster_of(running.pid, tmp_path, endpoint.env)
        assert _stopped_because(tmp_path) == "running"
        children = psutil.Process(running.pid).children(recursive=True)
        running.kill()
    assert still_running(cluster.processes), "a killed process cannot have cleaned up; what is tested here?"
    helpers = [process for process in children if process not in cluster.processes]
    wait_until(lambda: not still_running(helpers), "the sandbox ends with the campaign")

    before = attempts(tmp_path / "run", tmp_path / "before")
    assert len(before) == count
    assert _stopped_because(tmp_path).startswith("killed")
    finished = {(task, number) for task, number, *_ in before}
    resumed = _resume(endpoint, tmp_path)
    assert resumed.code == 0, resumed.err
    after = attempts(tmp_path / "run", tmp_path / "after")
    assert [row for row in after if row[:2] in finished] == before
    assert len(after) == sum(ATTEMPTS[: moment.task])
    programs = endpoint.campaign.count("action")
    assert all(programs[Question("action", int(task[-1]), number)] == 1 for task, number in finished)
    assert outcome(resumed.json) == outcome(recorded.done.json, moment.task)
    assert cluster.is_gone


def test_ctrl_c_stops_after_the_attempt_under_way(endpoint: Endpoint, recorded: Recorded, tmp_path: Path) -> None:
    train = ("train", "--out", "run", *endpoint.options(2), "--json")
    with started(*train, cwd=tmp_path, folder=tmp_path / "said", env=endpoint.env) as running:
        endpoint.campaign.act_before("action", 2, running.interrupt)
        done = running.end()
    assert done.code == 130, done.err
    assert STOPPING in done.err
    assert "task-002: attempt 1: failure" in done.err
    assert done.json["stopped_because"] == "interrupted"
    assert [task["attempts"] for task in done.json["tasks"]] == [1, 1]
    before = attempts(tmp_path / "run", tmp_path / "before")

    resumed = _resume(endpoint, tmp_path)
    assert resumed.code == 0, resumed.err
    assert attempts(tmp_path / "run", tmp_path / "after")[:2] == before
    assert set(endpoint.campaign.count("action").values()) == {1}
    assert outcome(resumed.json) == outcome(recorded.done.json, 2)


def test_a_second_ctrl_c_stops_at_once(endpoint: Endpoint, recorded: Recorded, tmp_path: Path) -> None:
    """With a cache of its own, in which the cluster lies, and another process that wants the same campaign."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "bin").symlink_to(default_cache() / "bin")
    env = {**endpoint.env, "VOYAGER_K8S_CACHE": str(cache)}
    endpoint.campaign.hang_at("action", 2, 2)
    train = ("train", "--out", "run", *endpoint.options(2))
    with started(*train, cwd=tmp_path, folder=tmp_path / "said", env=env) as running:
        wait_until(endpoint.campaign.hanging.is_set, "the question to hang at is asked")
        cluster = cluster_of(running.pid, tmp_path, env)
        assert cluster.folder.is_relative_to(cache)
        _is_left_alone(tmp_path, env)
        running.interrupt()
        wait_until(lambda: STOPPING in running.err, "it says that it stops")
        running.interrupt()
        done = running.end(AT_ONCE)
    assert (done.code, done.out) == (130, "")
    assert "Traceback" not in done.err
    assert cluster.is_gone
    status = run("status", "run", "--json", cwd=tmp_path).json
    assert (status["stopped_because"], status["attempts"]) == ("interrupted", 2)

    resumed = _resume(endpoint, tmp_path)
    assert resumed.code == 0, resumed.err
    assert outcome(resumed.json) == outcome(recorded.done.json, 2)


def _is_left_alone(home: Path, env: dict[str, str]) -> None:
    """A second process is refused the campaign that the first one has."""
    config = (home / "run" / "campaign.yaml").read_bytes()
    second = run("resume", "run", "--iterations", "9", cwd=home, env=env)
    assert second.code == 2
    assert "in use by another process" in second.complaint
    assert (home / "run" / "campaign.yaml").read_bytes() == config


def test_ctrl_c_while_the_cluster_starts_leaves_nothing(endpoint: Endpoint, tmp_path: Path) -> None:
    train = ("train", "--out", "run", *endpoint.options(1))
    with started(*train, cwd=tmp_path, folder=tmp_path / "said", env=endpoint.env) as running:
        wait_until(lambda: "starting Kubernetes" in running.err, "the cluster is started")
        name = running.err.partition("(")[2].partition(")")[0]
        running.interrupt()
        done = running.end(2 * AT_ONCE)
    assert (done.code, done.out) == (130, "")
    assert "Traceback" not in done.err, done.err
    assert endpoint.campaign.asked == []
    assert name not in [each["name"] for each in run("cluster", "status", "--json", cwd=tmp_path).json]
