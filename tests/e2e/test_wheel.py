"""The wheel, installed with its locked dependencies in an empty environment, learns outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Recorded
from tests.e2e.outcome import outcome
from tests.support.campaign import SKILLS
from tests.support.commands import run

CHECKOUT = Path(__file__).parents[2]
LOCK = CHECKOUT / "requirements.lock"


@pytest.fixture(scope="module")
def uv() -> str:
    """The installer."""
    found = shutil.which("uv") or shutil.which("uv", path=str(CHECKOUT / ".tools" / "bin"))
    if found is None:
        pytest.skip("there is no uv, on PATH or in .tools/bin")
    return found


@pytest.fixture(scope="module")
def installed(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, in an environment that holds nothing else than the wheel and what it needs."""
    home = tmp_path_factory.mktemp("wheel")
    _do(uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", home)
    (wheel,) = home.glob("*.whl")
    python = home / "venv" / "bin" / "python"
    _do(uv, "venv", "--quiet", "--python", sys.executable, home / "venv")
    install = (uv, "pip", "install", "--quiet", "--python", python)
    locked = (*install, "--require-hashes", "-r", LOCK)
    if _tried(*locked, "--offline").returncode != 0:  # the wheels are in uv's cache, as a rule
        _do(*locked)
    _do(*install, "--no-deps", wheel)
    return python.with_name("voyager-k8s")


def _do(*command: str | Path) -> None:
    done = _tried(*command)
    assert done.returncode == 0, done.stderr


def _tried(*command: str | Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)


def test_it_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    show = "import voyager_k8s; print(voyager_k8s.__file__)"
    done = run("-c", show, cwd=tmp_path, program=installed.with_name("python"))
    assert Path(done.out.strip()).is_relative_to(installed.parent.parent), done.err


def test_it_learns_from_recorded_replies(installed: Path, recorded: Recorded, tmp_path: Path) -> None:
    replay = ("--replay", recorded.cassette, "--strict-replay", "--iterations", "3")
    done = run("train", "--out", "run", *replay, "--json", cwd=tmp_path, program=installed)
    assert done.code == 0, done.err
    assert outcome(done.json) == outcome(recorded.done.json)
    library = ("--library", tmp_path / "run" / "library")
    cards = run("skills", "list", "--all", "--json", *library, cwd=tmp_path, program=installed).json
    seeds = {path.stem for path in (CHECKOUT / "skills").glob("*.py")}
    assert {card["name"] for card in cards} == {*SKILLS, *seeds}
    assert {card["name"] for card in cards if card["status"] == "seed"} == seeds


def test_its_task_lists_and_environments_travel_with_it(installed: Path, tmp_path: Path) -> None:
    """As the refusal of others tells, since to use one takes a model."""
    for option, known in (("--curriculum", "first-steps"), ("--environment", "embedded")):
        done = run("train", "--out", "run", option, "nosuch", cwd=tmp_path, program=installed)
        assert done.code == 2
        assert known in done.complaint
    taken = run("train", "--out", "run", "--curriculum", "first-steps", cwd=tmp_path, program=installed)
    assert "OPENAI_API_KEY" in taken.complaint, "the task list was read, and the model is what is missing"
