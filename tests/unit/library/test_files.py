from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.skills import make_skill, skill_source
from voyager_k8s.core.errors import BusyError, InfrastructureError, LibraryError
from voyager_k8s.core.skill import Parameter, Provenance, Skill, Verification
from voyager_k8s.core.source import digest
from voyager_k8s.library.cards import read_card, write_card
from voyager_k8s.library.files import FileSkillStore
from voyager_k8s.library.locking import locked
from voyager_k8s.library.seeds import rehash, seed, seed_store

NAME = "scale_deployment"


@pytest.fixture
def store(tmp_path: Path) -> FileSkillStore:
    return FileSkillStore(tmp_path)


def put_apart(store: FileSkillStore, skill: Skill) -> None:
    """Leave what a writer leaves that dies between its two moves."""
    folder = store.root / "skills"
    (folder / f".{skill.name}.yaml.new").write_text(write_card(skill.card))
    (folder / f"{skill.name}.py").write_text(skill.source)


full_text = st.text(st.characters(codec="utf-8"))


@settings(deadline=None)
@given(
    description=full_text,
    goal=full_text,
    default=st.none() | full_text,
    checks=st.lists(full_text).map(tuple),
    version=st.integers(1, 99),
)
def test_any_card_comes_back_as_it_was(
    description: str, goal: str, default: str | None, checks: tuple[str, ...], version: int
) -> None:
    card = make_skill(
        description=description,
        version=version,
        parameters=(Parameter(name="x", type="int", default=default),),
        provenance=Provenance(goal=goal, created="2026-01-02T03:04:05Z", attempts=3),
        verification=Verification(checks=checks, practised=("general",)),
    ).card

    assert read_card(write_card(card), "card.yaml") == card


def test_a_card_reads_well() -> None:
    card = make_skill(
        description="First line.\nSecond: line.", provenance=Provenance(task="task-001"), imports=("wait_ready",)
    ).card

    assert write_card(card).splitlines()[:11] == [
        "format: 1",
        "name: scale_deployment",
        "description: |-",
        "  First line.",
        "  Second: line.",
        "version: 1",
        "status: candidate",
        "imports:",
        "- wait_ready",
        "provenance:",
        "  task: task-001",
    ]


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("a: [", "scale_deployment.yaml is no YAML: while parsing"),
        ("- a\n", "scale_deployment.yaml is not a skill's card: a mapping is expected"),
        ("", "a mapping is expected"),
        ("format: 2\nname: x\nnovelty: 1\n", "has format 2, this version of voyager-k8s reads up to 1: upgrade"),
        ("name: scale_deployment\ncolour: red\n", "not a skill's card: .*colour: unknown key"),
        ("name: other\ndescription: d\nstatus: seed\nsha256: x\n", "is the card of other: rename the file, or correct"),
    ],
)
def test_what_is_wrong_with_a_card_is_said(store: FileSkillStore, card: str, message: str) -> None:
    store.put(make_skill())
    (store.root / "skills" / f"{NAME}.yaml").write_text(card)

    with pytest.raises(LibraryError, match=message):
        store.get(NAME)


def test_files_that_disagree_are_both_named_with_the_way_out(store: FileSkillStore) -> None:
    store.put(make_skill())
    store.get(NAME)
    (store.root / "skills" / f"{NAME}.py").write_text("changed = True\n")

    with pytest.raises(LibraryError) as caught:
        store.get(NAME)
    assert str(caught.value) == (
        f"{store.root}/skills/{NAME}.py is not the source that {store.root}/skills/{NAME}.yaml describes: "
        f"restore one of the two, or accept the change with `voyager-k8s skills rehash {NAME}`"
    )


@pytest.mark.parametrize("suffix", [".py", ".yaml"])
def test_half_a_skill_is_not_overlooked(store: FileSkillStore, suffix: str) -> None:
    store.put(make_skill())
    (store.root / "skills" / f"{NAME}{suffix}").unlink()

    assert store.names() == (NAME,)
    with pytest.raises(LibraryError, match=rf"lacks its file .*{NAME}\{suffix}: restore it, or delete the other one"):
        store.get(NAME)


@pytest.mark.parametrize("before", [True, False])
def test_a_writer_killed_between_its_files_is_finished_by_the_next_reader(store: FileSkillStore, before: bool) -> None:
    if before:
        store.put(make_skill())
    else:
        store.put(make_skill("another"))
    new = make_skill(source=skill_source(NAME, "return 2"), version=2)
    put_apart(store, new)

    assert FileSkillStore(store.root).get(NAME) == new
    assert not list((store.root / "skills").glob(".*"))


def test_a_card_left_by_an_earlier_death_is_not_taken_for_another_source(store: FileSkillStore) -> None:
    store.put(make_skill())
    put_apart(store, make_skill(source=skill_source(NAME, "return 2")))
    (store.root / "skills" / f"{NAME}.py").write_text("edited = True\n")

    with pytest.raises(LibraryError, match="is not the source"):
        store.get(NAME)


def test_readers_never_see_half_a_write(store: FileSkillStore) -> None:
    versions = [make_skill(source=skill_source(NAME, f"return {n}"), version=n) for n in range(1, 31)]
    store.put(versions[0])
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(FileSkillStore(store.root).get(NAME).card.version)

    reader = threading.Thread(target=read)
    reader.start()
    for skill in versions[1:]:
        store.put(skill)
    done.set()
    reader.join()

    assert seen == sorted(seen)
    assert store.get(NAME) == versions[-1]


def test_two_writers_take_turns(store: FileSkillStore) -> None:
    skills = [make_skill(source=skill_source(NAME, f"return {n}"), version=n) for n in range(1, 21)]
    threads = [threading.Thread(target=FileSkillStore(store.root).put, args=(skill,)) for skill in skills]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.get(NAME) in skills


def test_a_held_lock_is_waited_for_and_then_said(tmp_path: Path) -> None:
    with (
        locked(tmp_path / ".lock", 1.0),
        pytest.raises(BusyError, match="is held by another process"),
        locked(tmp_path / ".lock", 0.05),
    ):
        raise AssertionError("the lock was given twice")


def test_unchanged_skills_are_read_once(store: FileSkillStore) -> None:
    store.put(make_skill())

    first = store.get(NAME)

    assert store.get(NAME) is first
    os.utime(store.root / "skills" / f"{NAME}.yaml", ns=(1, 1))
    assert store.get(NAME) == first
    assert store.get(NAME) is not first


def test_a_library_that_cannot_be_written_is_the_worlds_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InfrastructureError, match="cannot write in"):
        FileSkillStore(tmp_path / "file").put(make_skill())


def test_other_files_in_the_folder_are_no_skills(store: FileSkillStore) -> None:
    store.put(make_skill())
    for name in ("__init__.py", "README.md", "Notes.py", "x.txt"):
        (store.root / "skills" / name).write_text("")

    assert store.names() == (NAME,)


def test_a_source_keeps_every_byte(store: FileSkillStore) -> None:
    skill = make_skill(source="# é\r\n\tx = 1  \n\n")
    store.put(skill)

    assert FileSkillStore(store.root).get(NAME).source == skill.source


def test_seeds_are_added_and_renewed_but_nothing_else_is_touched(tmp_path: Path) -> None:
    seeds, store = FileSkillStore(tmp_path / "package"), FileSkillStore(tmp_path / "library")
    for name in ("added", "older", "same", "learned", "edited"):
        seeds.put(make_skill(name, status="seed", version=2))
    older = make_skill("older", source=skill_source("older", "return 0"), status="seed")
    kept = [make_skill("same", status="seed", version=2), make_skill("learned", description="Mine.")]
    for skill in (older, *kept, make_skill("edited", source=skill_source("edited", "return 0"), status="seed")):
        store.put(skill)
    (store.root / "skills" / "edited.py").write_text(skill_source("edited", "return 9"))
    edited = rehash(store, "edited")

    assert seed(store, seeds) == ("added", "older")
    assert store.get("older") == seeds.get("older")
    assert [store.get(skill.name) for skill in (*kept, edited)] == [*kept, edited]
    assert seed(store, seeds) == ()


def test_an_edit_is_accepted_as_a_new_candidate(store: FileSkillStore) -> None:
    store.put(make_skill(status="verified", verification=Verification(practised=("general",)), description="Scales."))
    head = "from skills.wait_ready import wait_ready"
    source = f"{head}\n\n\ndef {NAME}(api, *, name: str, replicas: int = 2) -> int:\n    ...\n"
    (store.root / "skills" / f"{NAME}.py").write_text(source)

    skill = rehash(store, NAME)

    assert store.get(NAME) == skill
    card = skill.card
    assert (card.sha256, card.imports, card.returns) == (digest(source), ("wait_ready",), "int")
    assert (card.version, card.status, card.verification, card.description) == (
        2,
        "candidate",
        Verification(),
        "Scales.",
    )
    assert [parameter.name for parameter in card.parameters] == ["name", "replicas"]
    assert rehash(store, NAME) == skill


def test_an_edit_without_the_function_is_not_accepted(store: FileSkillStore) -> None:
    store.put(make_skill())
    (store.root / "skills" / f"{NAME}.py").write_text("x = 1\n")

    with pytest.raises(LibraryError, match="no function of that name"):
        rehash(store, NAME)
    with pytest.raises(LibraryError, match="no skill 'absent'"):
        rehash(store, "absent")


def test_cards_are_plain_yaml(store: FileSkillStore) -> None:
    store.put(make_skill(description="yes"))

    data = yaml.safe_load((store.root / "skills" / f"{NAME}.yaml").read_text())
    assert (data["description"], data["format"], data["version"]) == ("yes", 1, 1)


def test_the_packages_seeds_fit_a_new_library(store: FileSkillStore) -> None:
    written = seed(store)

    assert written == store.names() == seed_store().names()
    assert {skill.card.status for skill in store.all()} == {"seed"}
    assert seed(store) == ()
