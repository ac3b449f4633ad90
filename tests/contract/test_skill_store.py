"""What every `SkillStore` keeps to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.skills import make_skill, skill_source
from voyager_k8s.core.errors import LibraryError
from voyager_k8s.core.ports import SkillStore
from voyager_k8s.library.files import FileSkillStore


@pytest.fixture
def store(tmp_path: Path) -> SkillStore:
    return FileSkillStore(tmp_path / "library")


def test_an_empty_library(store: SkillStore) -> None:
    assert (store.names(), list(store.all())) == ((), [])


def test_what_is_put_is_got(store: SkillStore) -> None:
    skills = [make_skill("wait_ready"), make_skill("apply_all", imports=("wait_ready",))]
    for skill in skills:
        store.put(skill)

    assert store.names() == ("apply_all", "wait_ready")
    assert store.get("wait_ready") == skills[0]
    assert list(store.all()) == skills[::-1]


def test_a_second_put_replaces(store: SkillStore) -> None:
    store.put(make_skill())
    assert store.get("scale_deployment").card.version == 1

    changed = make_skill(source=skill_source("scale_deployment", "return 2"), version=2)
    store.put(changed)

    assert store.get("scale_deployment") == changed
    assert store.names() == ("scale_deployment",)


def test_the_root_holds_skills_that_can_be_imported_from(store: SkillStore) -> None:
    store.put(make_skill())

    assert (store.root / "skills" / "scale_deployment.py").read_text() == make_skill().source


@pytest.mark.parametrize("name", ["missing", "../escape", "/etc/passwd", "", "a.b", "Upper", "a/b", "scale\n"])
def test_an_unknown_skill_lists_those_there_are(store: SkillStore, name: str) -> None:
    store.put(make_skill("scale"))

    with pytest.raises(LibraryError, match=r"no skill .* there are: scale$"):
        store.get(name)


def test_a_card_of_another_source_is_refused(store: SkillStore) -> None:
    with pytest.raises(LibraryError, match="has the hash of another source"):
        store.put(make_skill(sha256="0" * 64))
    assert store.names() == ()
