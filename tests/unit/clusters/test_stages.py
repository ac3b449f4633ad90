"""What the simulated nodes know about images and commands, and the shape of what kwok is given."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from voyager_k8s.clusters import stages
from voyager_k8s.core.config import ClusterConfig
from voyager_k8s.core.data import data_folder

_FOLDER = data_folder("environments") / "embedded"
_PATTERNS = yaml.safe_load((_FOLDER / "patterns.yaml").read_text("utf-8"))


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.27.3-alpine3.19-slim",
        "docker.io/library/nginx:stable-alpine",
        "docker.io/nginx:mainline",
        "golang:1.23rc1",
        "ubuntu:24.04",
        "debian:20240722-slim",
        "python:3.12-slim-bookworm",
        "registry.k8s.io/pause:3.10",
        "registry.k8s.io/e2e-test-images/agnhost:2.53",
        "hashicorp/http-echo:1.0",
        "redis@sha256:" + "0f" * 32,
        "redis:7@sha256:" + "0f" * 32,
    ],
)
def test_images_that_exist(image: str) -> None:
    assert re.search(stages.image_pattern(), image)


@pytest.mark.parametrize(
    "image",
    [
        "ngnix",
        "nginx:no-such-tag",
        "nginx:1.27-broken",
        "nginx:1.99",
        "nginx:99.99.99",
        "nginx:v999",
        "example.com/nginx:1.27",
        "library/nginx:",
        "redis@sha256:0f",
        "nginx:1.27 ",
    ],
)
def test_images_that_do_not_exist(image: str) -> None:
    assert not re.search(stages.image_pattern(), image)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_a_tag_with_an_unknown_word_does_not_exist(word: str) -> None:
    known = bool(re.fullmatch(_PATTERNS["word"], word))
    matches = bool(re.search(stages.image_pattern(), f"nginx:1.27-{word}"))
    assert matches == known or word.startswith("v")


@pytest.mark.parametrize(
    ("command", "fails"),
    [
        ("false", True),
        ("/bin/false", True),
        ("sh -c exit 1", True),
        ("sh -c echo starting; exit 3", True),
        ("sh -c echo a && exit 1", True),
        ("/bin/sh -c echo a\nexit 2\n", True),
        ("sh -c exit 0", False),
        ("sh -c test -f /x || exit 1", False),
        ("sh -c if true; then exit 1; fi; sleep 3600", False),
        ("echo false alarm", False),
        ("sleep 3600", False),
    ],
)
def test_commands_that_fail(command: str, fails: bool) -> None:
    assert bool(re.search(_PATTERNS["fails"], command)) == fails


@pytest.mark.parametrize(
    ("command", "lasts"),
    [
        ("sleep infinity", True),
        ("sleep 3600", True),
        ("sh -c while true; do date; sleep 1; done", True),
        ("tail -f /dev/null", True),
        ("sh -c sleep 5; echo done", False),
        ("echo hello", False),
    ],
)
def test_commands_that_last(command: str, lasts: bool) -> None:
    assert bool(re.search(_PATTERNS["lasts"], command)) == lasts


def test_every_stage_is_complete() -> None:
    found = stages.stages()
    names = [stage["metadata"]["name"] for stage in found]
    assert {"pod-start", "pod-delete", "node-ready"} <= set(names)
    assert len(set(names)) == len(names)
    assert not re.search(r"@[A-Z]+@", yaml.safe_dump_all(found))


def test_no_stage_acts_after_the_world_is_taken_to_be_at_rest() -> None:
    """A Pod that will crash must have crashed by the time that quiet is called rest."""
    delays = {
        stage["metadata"]["name"]: stage["spec"].get("delay", {}).get("durationMilliseconds", 0)
        for stage in stages.stages()
    }
    lasting = {name: delay for name, delay in delays.items() if name.startswith("pod-")}
    assert lasting
    assert max(lasting.values()) <= ClusterConfig().quiet_seconds * 1000 / 2


def test_nodes_differ_and_hold_pods_of_their_own_network() -> None:
    first, second = (stages.node(number, "1.36.1") for number in (1, 2))
    assert first["metadata"]["name"] == "node-1"
    assert first["spec"]["podCIDR"] != second["spec"]["podCIDR"]
    assert first["status"]["addresses"][0] != second["status"]["addresses"][0]
    assert first["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.1"


def test_the_environment_is_a_cluster_configuration_with_notes() -> None:
    config = ClusterConfig.model_validate(yaml.safe_load((_FOLDER / "cluster.yaml").read_text("utf-8")))
    assert (config.kind, config.nodes) == ("embedded", 2)
    assert "ImagePullBackOff" in config.notes
