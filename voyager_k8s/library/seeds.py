"""What is done to a library beside learning: seed skills are brought in, edits by hand are accepted."""

from __future__ import annotations

from voyager_k8s.core.data import data_folder
from voyager_k8s.core.errors import LibraryError
from voyager_k8s.core.skill import Skill, Verification
from voyager_k8s.core.source import digest, signature, skill_imports
from voyager_k8s.library.cards import read_card
from voyager_k8s.library.files import FileSkillStore

__all__ = ["rehash", "seed", "seed_store"]


def seed_store() -> FileSkillStore:
    """The seed skills that travel with the package."""
    return FileSkillStore(data_folder("skills").parent)


def seed(store: FileSkillStore, seeds: FileSkillStore | None = None) -> tuple[str, ...]:
    """Bring the seed skills into a library: those that are missing, and those that are still as an earlier
    version of the package brought them. What was learned or edited is left alone.

    Args:
        store: the library.
        seeds: where they come from; None: the package.

    Returns:
        The names that were written.

    Raises:
        LibraryError: a skill's files contradict each other.
    """
    held = set(store.names())
    written = []
    for skill in (seeds or seed_store()).all():
        if skill.name not in held or _is_older_seed(store.get(skill.name), skill):
            store.put(skill)
            written.append(skill.name)
    return tuple(written)


def _is_older_seed(held: Skill, skill: Skill) -> bool:
    return held.card.status == "seed" and held != skill


def rehash(store: FileSkillStore, name: str) -> Skill:
    """Accept an edit of a skill's source: hash, signature and imports are read off it anew.

    What was verified was the old source: the skill becomes a candidate of the next version. An edited seed
    skill is a candidate too, so that it is not replaced by the package's.

    Raises:
        LibraryError: no such skill, its card cannot be read, or its source lacks the function.
    """
    source = store.source(name)
    card = read_card(store.card_text(name), f"{name}.yaml")
    if card.name != name:
        raise LibraryError(f"{name}.yaml is the card of {card.name}: rename the file, or correct `name` in it")
    if card.sha256 == digest(source):
        return store.get(name)
    parameters, returns = signature(source, name)
    changes = {
        "sha256": digest(source),
        "imports": skill_imports(source),
        "parameters": parameters,
        "returns": returns,
        "version": card.version + 1,
        "status": "candidate",
        "verification": Verification(),
    }
    skill = Skill(card=card.model_copy(update=changes), source=source)
    store.put(skill)
    return skill
