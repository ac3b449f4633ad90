"""What cannot be used is refused in one line, with the documented exit code, and nothing is lost by it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Recorded
from tests.support.commands import Done, environment, run

KEYED = environment(OPENAI_API_KEY="none")
TASK: dict[str, object] = {
    "goal": "Make a ConfigMap {{ name }} with the colour {{ colour }}.",
    "search_terms": "create a ConfigMap",
    "parameters": {"name": "one", "colour": "red"},
    "variants": [{"name": "two", "colour": "blue"}],
    "checks": [{"assert": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ name }}"}}}],
}
TASKS: dict[str, object] = {"name": "mine", "tasks": [TASK]}


def _write(path: Path, data: object) -> Path:
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return path


def _train(home: Path, *options: str | Path, env: dict[str, str] | None = None) -> Done:
    return run("train", "--out", "run", *options, cwd=home, env=KEYED if env is None else env)


# -- options and files ------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"iteratons": 3}, "iteratons: unknown key"),
        ({"models": {"default": {"modell": "x"}}}, "models.default.modell: unknown key"),
        ({"iterations": 0}, "iterations: Input should be greater than or equal to 1"),
        ({"models": {"roles": {"critik": {}}}}, "models.roles.critik"),
        ("iterations: [1", "is not YAML"),
        ("- 1", "should be a valid dictionary"),
    ],
)
def test_a_bad_configuration(config: object, said: str, tmp_path: Path) -> None:
    file = _write(tmp_path / "mine.yaml", config)
    done = _train(tmp_path, "--config", file)
    assert (done.code, done.out) == (2, "")
    assert str(file) in done.complaint
    assert said in done.complaint
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"authr": "me"}, "authr: unknown key"),
        ({"tasks": []}, "tasks"),
        ({"tasks": [{**TASK, "sett_up": []}]}, "tasks.0.sett_up: unknown key"),
        ({"tasks": [{**TASK, "variants": [{"nam": "x"}]}]}, "variants: set 1 has the names ['nam']"),
    ],
)
def test_a_bad_curriculum(changes: dict[str, object], said: str, tmp_path: Path) -> None:
    file = _write(tmp_path / "mine.yaml", {**TASKS, **changes})
    done = _train(tmp_path, "--curriculum", file)
    assert (done.code, done.out) == (2, "")
    assert str(file) in done.complaint
    assert said in done.complaint
    _can_still_be_used(tmp_path / "run")


def _can_still_be_used(folder: Path) -> None:
    """Nothing says that a campaign was begun there."""
    assert not (folder / "campaign.yaml").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--curriculum", "nosuch"), "no curriculum 'nosuch'; give auto, manual, a file, or one of"),
        (("--environment", "nosuch"), "no environment 'nosuch'; there are embedded"),
        (("--environment", "nosuch.yaml"), "no environment 'nosuch.yaml'; there are embedded"),
        (("--replay", "nosuch"), "no cassette 'nosuch'; give a file, or one of"),
        (("--model", "gpt-5.1"), "write provider:model, for example openai:gpt-5.1"),
        (("--model", "nosuch:x"), "unknown provider; there are: "),
        (("--config", "nosuch.yaml"), "nosuch.yaml cannot be read: No such file"),
        (("--record", "a", "--replay", "b"), "--record and --replay exclude each other"),
        (("--strict-replay",), "--strict-replay"),
    ],
)
def test_an_option_that_names_nothing(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = _train(tmp_path, *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.complaint
    _can_still_be_used(tmp_path / "run")


def test_an_environment_file_with_an_unknown_key(tmp_path: Path) -> None:
    file = _write(tmp_path / "cluster.yaml", {"knd": "embedded"})
    done = _train(tmp_path, "--environment", file)
    assert done.code == 2
    assert f"{file}: knd: unknown key" in done.complaint


def test_a_missing_key(tmp_path: Path) -> None:
    done = _train(tmp_path, env=environment())
    assert (done.code, done.out) == (2, "")
    assert "OPENAI_API_KEY" in done.complaint
    assert "starting Kubernetes" not in done.err
    _can_still_be_used(tmp_path / "run")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: "something else\n" + text, ":1: a cassette begins with"),
        (lambda text: text.replace("tokens: 100 10", "tokens: many", 1), "not an entry: `tokens:` has 1 values"),
        (lambda text: text.replace("=== end\n", "", 1), "has no `=== end`"),
    ],
)
def test_a_corrupt_cassette(spoil: object, said: str, recorded: Recorded, tmp_path: Path) -> None:
    assert callable(spoil)
    cassette = _write(tmp_path / "bad.cassette", spoil(recorded.cassette.read_text()))
    done = _train(tmp_path, "--replay", cassette, env=environment())
    assert (done.code, done.out) == (2, "")
    assert str(cassette) in done.complaint
    assert said in done.complaint
    _can_still_be_used(tmp_path / "run")


@pytest.mark.parametrize("command", ["resume", "status"])
@pytest.mark.parametrize("folder", ["nosuch", "."])
def test_a_folder_that_is_no_campaign(command: str, folder: str, tmp_path: Path) -> None:
    done = run(command, folder, cwd=tmp_path, env=KEYED)
    assert (done.code, done.out) == (2, "")
    assert "is no campaign's folder" in done.complaint
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_library(tmp_path: Path) -> None:
    for command in (("list",), ("show", "x"), ("search", "x"), ("rehash", "x")):
        done = run("skills", *command, "--library", ".", cwd=tmp_path)
        assert done.code == 2
        assert "is no skill library" in done.complaint
    assert list(tmp_path.iterdir()) == []


# -- the library ------------------------------------------------------------


@pytest.fixture
def library(recorded: Recorded, tmp_path: Path) -> Path:
    """A copy of what was learned."""
    return Path(shutil.copytree(recorded.library, tmp_path / "library"))


def test_an_edited_skill_is_refused_until_it_is_accepted(recorded: Recorded, library: Path, tmp_path: Path) -> None:
    file = library / "skills" / "run_deployment.py"
    file.write_text(file.read_text().replace("nginx:1.27", "nginx:1.28"))
    train = ("train", "--out", "run", "--replay", recorded.cassette, "--library", library)
    for command in (("skills", "list", "--library", library), train):
        done = run(*command, cwd=tmp_path)
        assert (done.code, done.out) == (4, "")
        assert str(file) in done.complaint
        assert "voyager-k8s skills rehash run_deployment" in done.complaint
    assert run("skills", "rehash", "run_deployment", "--library", library, cwd=tmp_path).code == 0
    (card,) = [
        card
        for card in run("skills", "list", "--library", library, "--json", cwd=tmp_path).json
        if card["name"] == "run_deployment"
    ]
    assert (card["version"], card["status"], card["verification"]["practised"]) == (2, "candidate", [])


def test_a_corrupt_index_is_built_anew_and_said(library: Path, tmp_path: Path) -> None:
    for file in (library / "index").rglob("*"):
        if file.is_file():
            file.write_bytes(b"garbage" * 1000)
    search = ("skills", "search", "expose Pods by a ClusterIP Service", "--library", library, "--json")
    done = run(*search, cwd=tmp_path)
    assert done.code == 0, done.err
    assert "was damaged and is built anew" in done.err
    assert done.json[0]["name"] == "publish_deployment"
    again = run(*search, cwd=tmp_path)
    assert (again.json, again.err) == (done.json, "")
