"""The folder of skills: `skills/<name>.py`, and beside it the card, `skills/<name>.yaml`.

A reader never sees half a file: each is written whole under another name and moved into its place. The
card's SHA-256 says whether the two belong together. A writer that dies between the two moves leaves the
new card ready as `.<name>.yaml.new`, and whoever reads the skill next puts it in place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from voyager_k8s.core.errors import InfrastructureError, LibraryError
from voyager_k8s.core.skill import Skill
from voyager_k8s.core.source import digest
from voyager_k8s.library.cards import read_card, write_card
from voyager_k8s.library.locking import locked

__all__ = ["FileSkillStore"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LOCK_SECONDS = 30.0
"""A write takes milliseconds: whoever waits this long waits for a hung process."""


class _State(NamedTuple):
    """What changes when a file is replaced or edited."""

    inode: int
    changed: int
    size: int


class FileSkillStore:
    """Skills in `root/skills/`; the folder is made at the first write.

    Unchanged files are read once: a later look costs two `stat` calls a skill.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "skills"
        self._lock = root / ".lock"
        self._read_before: dict[str, tuple[tuple[_State | None, _State | None], Skill]] = {}

    @property
    def root(self) -> Path:
        """The folder that holds `skills/`."""
        return self._root

    def names(self) -> tuple[str, ...]:
        """All skills' names, sorted; one with a single file counts, so that it is not overlooked."""
        if not self._folder.is_dir():
            return ()
        files = (Path(file) for file in os.listdir(self._folder))
        return tuple(sorted({file.stem for file in files if file.suffix in (".py", ".yaml") and _is_name(file.stem)}))

    def get(self, name: str) -> Skill:
        """Both files of one skill.

        Raises:
            LibraryError: no such skill, or its files contradict each other.
        """
        state = self._state(name)
        known = self._read_before.get(name)
        if known is not None and known[0] == state:
            return known[1]
        skill = self._read_settled(name)
        self._read_before[name] = (state, skill)
        return skill

    def all(self) -> Iterator[Skill]:
        """Every skill, by name.

        Raises:
            LibraryError: as `get`.
        """
        return (self.get(name) for name in self.names())

    def put(self, skill: Skill) -> None:
        """Write both files, each whole or not at all; replaces a skill of that name.

        Raises:
            LibraryError: the card's hash is not the source's.
            BusyError: another process holds the library.
            InfrastructureError: the files cannot be written (a full disk); what was there before stays.
        """
        if skill.card.sha256 != digest(skill.source):
            raise LibraryError(f"the card of {skill.name} has the hash of another source")
        with self._locked():
            try:
                self._write(skill)
            except OSError as error:
                text = f"cannot write {self._path(skill.name, '.py')}: {error.strerror}; free some space and try again"
                raise InfrastructureError(text) from error

    def source(self, name: str) -> str:
        """The Python file alone.

        Raises:
            LibraryError: there is none.
        """
        return self._text(name, ".py")

    def card_text(self, name: str) -> str:
        """The card's file alone.

        Raises:
            LibraryError: there is none.
        """
        return self._text(name, ".yaml")

    def _write(self, skill: Skill) -> None:
        self._folder.mkdir(exist_ok=True)
        card, source = self._pending(skill.name), self._folder / f".{skill.name}.py.new"
        _write_file(card, write_card(skill.card))
        _write_file(source, skill.source)
        os.replace(source, self._path(skill.name, ".py"))
        os.replace(card, self._path(skill.name, ".yaml"))

    def _read_settled(self, name: str) -> Skill:
        """Read a skill; if its files do not fit, look again once no writer is between the two. Where there is
        no lock file nobody has ever written (the seeds of an installed package)."""
        try:
            return self._read(name)
        except LibraryError:
            if not _is_name(name) or not self._lock.exists() or not os.access(self._lock, os.W_OK):
                raise
        with self._locked():
            self._finish(name)
            return self._read(name)

    def _finish(self, name: str) -> None:
        """Put the card in place that a killed writer has left, if it belongs to the source."""
        pending = self._pending(name)
        if not pending.exists() or not self._path(name, ".py").exists():
            return
        try:
            card = read_card(pending.read_text(encoding="utf-8"), str(pending))
        except (LibraryError, UnicodeDecodeError):
            return
        if card.sha256 == digest(self.source(name)):
            os.replace(pending, self._path(name, ".yaml"))

    def _read(self, name: str) -> Skill:
        source = self._text(name, ".py")
        path = self._path(name, ".yaml")
        card = read_card(self._text(name, ".yaml"), str(path))
        if card.name != name:
            raise LibraryError(f"{path} is the card of {card.name}: rename the file, or correct `name` in it")
        if card.sha256 != digest(source):
            raise LibraryError(
                f"{self._path(name, '.py')} is not the source that {path} describes: "
                f"restore one of the two, or accept the change with `voyager-k8s skills rehash {name}`"
            )
        return Skill(card=card, source=source)

    def _text(self, name: str, suffix: str) -> str:
        path = self._path(name, suffix)
        try:
            return path.read_bytes().decode()
        except FileNotFoundError as error:
            raise LibraryError(self._missing(name, path)) from error
        except UnicodeDecodeError as error:
            raise LibraryError(f"{path} is no UTF-8 text") from error
        except OSError as error:
            raise LibraryError(f"cannot read {path}: {error.strerror}") from error

    def _missing(self, name: str, path: Path) -> str:
        if name in self.names():
            return f"the skill {name} lacks its file {path}: restore it, or delete the other one"
        return self._unknown(name)

    def _unknown(self, name: str) -> str:
        return f"no skill {name!r} in {self._folder}; there are: {', '.join(self.names()) or 'none'}"

    def _path(self, name: str, suffix: str) -> Path:
        if not _is_name(name):
            raise LibraryError(self._unknown(name))
        return self._folder / f"{name}{suffix}"

    def _pending(self, name: str) -> Path:
        return self._folder / f".{name}.yaml.new"

    def _state(self, name: str) -> tuple[_State | None, _State | None]:
        return _state_of(self._path(name, ".py")), _state_of(self._path(name, ".yaml"))

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self._lock, _LOCK_SECONDS)


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def _state_of(path: Path) -> _State | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return _State(status.st_ino, status.st_mtime_ns, status.st_size)


def _write_file(path: Path, text: str) -> None:
    with path.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
