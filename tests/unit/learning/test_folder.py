"""A campaign's folder: its configuration comes back as it was, and one process at a time has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from voyager_k8s.core.config import CampaignConfig
from voyager_k8s.core.errors import BusyError, UsageError
from voyager_k8s.learning.folder import CampaignFolder
from voyager_k8s.learning.settings import read_config

ROOT = Path(__file__).parents[3]
HOLD = """
import sys
from pathlib import Path
from voyager_k8s.learning.folder import CampaignFolder

with CampaignFolder(Path(sys.argv[1])).lock():
    print("locked", flush=True)
    sys.stdin.read()
"""
CONFIG = CampaignConfig.model_validate(
    {
        "curriculum": "first-steps",
        "iterations": 7,
        "models": {"default": {"model": "openai:gpt-5.1"}, "roles": {"critic": {"model": "x:y", "temperature": 0.0}}},
        "cluster": {"nodes": 3, "notes": "Größe: 3\nZweite Zeile"},
        "library": {"path": "/srv/library", "embedding": {"provider": "chroma"}},
    }
)


def test_a_folder_is_a_campaigns_once_its_configuration_is_saved(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path / "deep" / "run")
    assert not folder.exists

    folder.save(CONFIG)

    assert folder.exists
    assert folder.config() == CONFIG
    assert (folder.path / "campaign.yaml").read_text("utf-8").startswith("curriculum: first-steps\n")


def test_only_what_differs_from_the_defaults_is_written(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path)
    folder.save(CampaignConfig())

    assert folder.config() == CampaignConfig()
    assert len((tmp_path / "campaign.yaml").read_text()) < 50


def test_another_folder_is_no_campaigns(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no campaign's folder .* start one with `train --out`"):
        CampaignFolder(tmp_path).config()


def test_a_path_is_made_absolute_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = CampaignFolder(Path("run"))
    monkeypatch.chdir("/")

    assert folder.path == tmp_path / "run"
    assert folder.journal == tmp_path / "run" / "journal.sqlite3"


def test_the_library_is_in_the_folder_unless_it_is_elsewhere(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path)

    assert folder.library(CampaignConfig()) == tmp_path / "library"
    assert folder.library(CONFIG) == Path("/srv/library")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("iteratoins: 3", "iteratoins: unknown key"),
        ("models: {default: {modle: x}}", "models.default.modle: unknown key"),
        ("models: {roles: {cook: {}}}", "models.roles.cook"),
        ("iterations: 0", "iterations: Input should be greater than or equal to 1"),
        ("iterations: many", "iterations: Input should be a valid integer"),
        ("- auto", "value: Input should be a valid dictionary"),
        ("auto", "value: Input should be a valid dictionary"),
        ("a: [", "is not YAML"),
        ("curriculum: 2024-13-45", "is not YAML"),
        (b"\xff\xfe", "is not YAML: 'utf-8' codec"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused_in_one_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(UsageError) as caught:
        read_config(path)

    assert str(caught.value).startswith(f"the configuration {path}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_configuration_is_all_defaults(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("# nothing yet\n")

    assert read_config(tmp_path / "mine.yaml") == CampaignConfig()


def test_a_configuration_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the configuration .*none\.yaml cannot be read: No such file"):
        read_config(tmp_path / "none.yaml")


# -- the lock --------------------------------------------------------------------------


def test_another_process_keeps_us_out_until_it_is_done(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(BusyError, match="is in use by another process"), CampaignFolder(tmp_path).lock():
            pytest.fail("two processes have the folder")
        other.stdin.close()
        assert other.wait(30) == 0

    with CampaignFolder(tmp_path).lock():
        assert tmp_path.is_dir()


def test_a_process_that_was_killed_leaves_the_folder_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        other.kill()

    with CampaignFolder(tmp_path).lock():
        assert (tmp_path / ".lock").exists()


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path / "new")
    with pytest.raises(KeyError), folder.lock():
        raise KeyError("x")

    with folder.lock():
        assert folder.path.is_dir()


def test_a_lock_that_is_missed_inside_is_not_taken_for_this_one(tmp_path: Path) -> None:
    with FileLock(tmp_path / "other"), pytest.raises(Timeout), CampaignFolder(tmp_path / "run").lock():
        FileLock(tmp_path / "other", timeout=0).acquire()


def test_a_file_in_the_folders_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("I am a file")

    refused = pytest.raises(UsageError, match=r"run cannot be used as a campaign's folder: File exists")
    with refused, CampaignFolder(tmp_path / "run").lock():
        pytest.fail("a file is no folder")
