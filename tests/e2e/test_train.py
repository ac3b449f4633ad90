"""`train` from nothing, and what people do with its result."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Recorded
from tests.support.campaign import ATTEMPTS, SKILLS
from tests.support.commands import environment, run


def test_results_go_to_stdout_and_progress_to_stderr(recorded: Recorded) -> None:
    assert recorded.done.json["tasks_completed"] == 3
    said = recorded.done.err.splitlines()
    for line in ("task-002: attempt 2: success", "task-003: completed, learned publish_deployment"):
        assert line in said
    assert any(line.startswith("task-002: attempt 1: failure: ") and "not general" in line for line in said)


def test_status_has_the_figures(recorded: Recorded) -> None:
    figures = run("status", "run", "--json", cwd=recorded.home).json
    assert figures == {**recorded.done.json, "folder": figures["folder"]}
    assert (figures["tasks_completed"], figures["tasks_failed"], figures["attempts"]) == (3, 0, sum(ATTEMPTS))
    assert figures["stopped_because"] == "finished"
    tokens = {"prompt": recorded.calls * 100, "reply": recorded.calls * 10, "calls": recorded.calls}
    assert figures["tokens"] == {**tokens, "total": recorded.calls * 110}
    phases = figures["seconds_per_phase"]
    assert {"propose", "workspace", "snapshot", "write", "run", "settle", "check", "judge", "practice"} <= set(phases)
    assert all(seconds >= 0 for seconds in phases.values())
    assert 0 < figures["overhead_seconds_per_attempt"] < recorded.seconds


def test_status_tells_of_each_skill(recorded: Recorded) -> None:
    skills = {skill["name"]: skill for skill in recorded.done.json["skills"]}
    assert {name: skills[name]["attempts"] for name in SKILLS} == dict(zip(SKILLS, ATTEMPTS, strict=True))
    assert skills["publish_deployment"]["imports"] == ["apply_manifest", "run_deployment"]
    assert skills["publish_deployment"]["imports_learned"] == ["run_deployment"]
    assert {skill["status"] for skill in skills.values()} == {"verified"}


def test_status_for_people_ends_with_what_to_do_next(recorded: Recorded) -> None:
    done = run("status", "run", cwd=recorded.home)
    assert (done.code, done.err) == (0, "")
    assert "3 tasks completed, 0 failed; 4 attempts; 3 skills learned" in done.out
    (search,) = [line for line in done.out.splitlines() if "skills search" in line]
    assert search.endswith("--library run/library")


def test_each_attempt_leaves_its_files(recorded: Recorded) -> None:
    tasks = recorded.folder / "tasks"
    assert yaml.safe_load((tasks / "task-003" / "task.yaml").read_text())["goal"].startswith("Publish a Deployment")
    for number, outcome in ((1, "failure"), (2, "success")):
        attempt = tasks / "task-002" / f"attempt-{number}"
        assert json.loads((attempt / "verdict.json").read_text())["outcome"] == outcome
        assert json.loads((attempt / "execution.json").read_text())["ending"] == "returned"
        assert json.loads((attempt / "arguments.json").read_text())["replicas"] == "{{ replicas }}"
        assert "Deployment/shop" in (attempt / "changes.txt").read_text()
        ast.parse((attempt / "run_deployment.py").read_text())
    question = (tasks / "task-002" / "action-2.md").read_text()
    assert "it is not general" in question
    assert "# reply (scripted-served)" in question


def test_the_configuration_is_kept_without_the_key(recorded: Recorded) -> None:
    config = yaml.safe_load((recorded.folder / "campaign.yaml").read_text())
    assert config["iterations"] == 3
    assert config["models"]["default"]["model"] == "openai:scripted"
    assert config["models"]["record"] == str(recorded.cassette)


def test_skills_are_listed(recorded: Recorded) -> None:
    library = ("--library", recorded.library)
    text = run("skills", "list", *library, cwd=recorded.home)
    assert (text.code, text.err) == (0, "")
    assert [line.split()[0] for line in text.out.splitlines()[1:] if line[0] != " "] == sorted(SKILLS)
    cards = run("skills", "list", *library, "--json", cwd=recorded.home).json
    assert [card["name"] for card in cards] == sorted(SKILLS)
    assert cards[1]["provenance"]["task"] == "task-003"
    assert cards[2]["verification"]["practised"] == ["general", "idempotent"]
    everything = run("skills", "list", *library, "--all", "--json", cwd=recorded.home).json
    assert {"apply_manifest", *SKILLS} <= {card["name"] for card in everything}


def test_a_skill_is_shown(recorded: Recorded) -> None:
    library = ("--library", recorded.library)
    shown = run("skills", "show", "run_deployment", *library, cwd=recorded.home)
    assert shown.out.endswith((recorded.library / "skills" / "run_deployment.py").read_text())
    assert "attempts: 2" in shown.out
    card = run("skills", "show", "run_deployment", *library, "--json", cwd=recorded.home).json
    assert [parameter["name"] for parameter in card["parameters"]] == ["namespace", "app", "replicas"]
    ast.parse(card["source"])


def test_a_skill_that_is_not_there_is_refused_with_those_that_are(recorded: Recorded) -> None:
    done = run("skills", "show", "nosuch", "--library", recorded.library, cwd=recorded.home)
    assert done.code == 4
    assert "'nosuch'" in done.complaint
    assert "run_deployment" in done.complaint


def test_skills_are_found_by_meaning(recorded: Recorded) -> None:
    asked = ("skills", "search", "expose Pods by a ClusterIP Service", "--library", recorded.library)
    hits = run(*asked, "--limit", "3", "--json", cwd=recorded.home).json
    assert len(hits) == 3
    assert hits[0]["name"] == "publish_deployment"
    assert [hit["distance"] for hit in hits] == sorted(hit["distance"] for hit in hits)
    assert "publish_deployment" in run(*asked, cwd=recorded.home).out.splitlines()[0]


def test_a_folder_that_holds_a_campaign_is_not_trained_into(recorded: Recorded) -> None:
    before = (recorded.folder / "campaign.yaml").read_bytes()
    done = run("train", "--out", "run", cwd=recorded.home, env=environment(OPENAI_API_KEY="none"))
    assert done.code == 2
    assert "run holds a campaign already" in done.complaint
    assert "voyager-k8s resume run" in done.complaint
    assert (recorded.folder / "campaign.yaml").read_bytes() == before


@pytest.mark.parametrize("command", [("skills", "list", "--all", "--library"), ("status",)])
def test_a_reader_may_leave_early(recorded: Recorded, command: tuple[str, ...]) -> None:
    where = recorded.library if "--library" in command else recorded.folder
    shell = 'set -o pipefail; "$0" -m voyager_k8s.cli.main "$@" | true'
    done = run("-c", shell, sys.executable, *command, where, cwd=recorded.home, program=Path("/bin/bash"))
    assert (done.out, done.err) == ("", "")
