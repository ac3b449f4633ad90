r"""Cassettes: recorded model replies as a text file that reads well in a diff.

    # voyager-k8s cassette 1: model replies, found by role, task and ordinal

    === action task-003 2
    prompt: 3f2a9c1d0b7e4455
    model: openai:gpt-5.1
    tokens: 1834 412
    seconds: 6.21
    | ```python
    | def scale_deployment(api, *, name):
    |
    \ "a line with something invisible in it, as JSON \t"
    === end

A reply is its lines, each behind `| `, joined by newlines: whether it ends in one is seen by a last,
empty `|`. A line that an editor or a checkout could change unseen (a trailing blank, a carriage return,
any unprintable character) stands behind `\ ` as JSON. Entries are only ever appended; one without
`=== end` at the end of the file is what a killed recording leaves, and does not count.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from voyager_k8s.core.base import Model
from voyager_k8s.core.conversation import Role
from voyager_k8s.core.errors import UsageError

__all__ = ["TITLE", "Cassette", "Entry", "read_cassette", "write_entry"]

_FORMAT = 1
_MARK = "# voyager-k8s cassette "
TITLE = f"{_MARK}{_FORMAT}: model replies, found by role, task and ordinal\n"
"""The first line of a cassette."""
_END = "=== end"
_BARE = re.compile(r"[\w.:/@+-]+", re.ASCII)


class Entry(Model):
    """One recorded reply."""

    role: Role
    task: str
    ordinal: int
    prompt: str
    """Hash of the prompt it answered, see `core.conversation.prompt_hash`."""
    model: str
    prompt_tokens: int
    reply_tokens: int
    seconds: float
    """How long the model took."""
    reply: str

    @property
    def key(self) -> tuple[str, str, int]:
        """Role, task, ordinal."""
        return self.role, self.task, self.ordinal


class Cassette(NamedTuple):
    """What a cassette file holds."""

    entries: tuple[Entry, ...]
    torn_at: int | None
    """Line of a last entry that was not finished; None where the file ends well."""
    intact_bytes: int
    """Length of the file without that."""


def write_entry(entry: Entry) -> str:
    """An entry as the file's text."""
    head = (
        f"=== {entry.role} {_field(entry.task)} {entry.ordinal}",
        f"prompt: {_field(entry.prompt)}",
        f"model: {_field(entry.model)}",
        f"tokens: {entry.prompt_tokens} {entry.reply_tokens}",
        f"seconds: {entry.seconds!r}",
    )
    body = (_line(line) for line in entry.reply.split("\n"))
    return "\n".join(("", *head, *body, _END, ""))


def _field(text: str) -> str:
    return text if _BARE.fullmatch(text) else json.dumps(text)


def _line(text: str) -> str:
    if text != text.rstrip() or not text.replace("\t", "").isprintable():
        return "\\ " + json.dumps(text)
    return f"| {text}" if text else "|"


def read_cassette(path: Path) -> Cassette:
    """Read a cassette.

    Raises:
        UsageError: the file is missing, or not a cassette, with the line that is wrong.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cassette {path}: {error.strerror}; record one with --record {path}") from error
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data)  # leaves a character cut at the end
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}:{line}: not a cassette: no UTF-8 text") from error
    return _Reader(path, text.split("\n")).read()


class _Reader:
    """Walks through the lines of one file."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self._path = path
        self._lines = lines
        self._at = 0

    def read(self) -> Cassette:
        self._title()
        entries: list[Entry] = []
        intact = self._at
        while (start := self._next_entry()) is not None:
            end = self._end_of(start)
            if end is None:
                return Cassette(tuple(entries), start + 1, self._bytes(intact))
            entries.append(self._entry(start, end))
            self._at = intact = end + 1
        return Cassette(tuple(entries), None, self._bytes(len(self._lines)))

    def _title(self) -> None:
        first = self._lines[0]
        version = first.removeprefix(_MARK).partition(":")[0].strip()
        if not first.startswith(_MARK) or not version.isdigit():
            raise self._wrong(0, f"a cassette begins with `{_MARK}{_FORMAT}`")
        if int(version) > _FORMAT:
            raise self._wrong(0, f"format {version} is newer than this version of voyager-k8s reads ({_FORMAT})")
        self._at = 1

    def _next_entry(self) -> int | None:
        """The line of the next entry's head; blank lines and comments stand between entries."""
        for number in range(self._at, len(self._lines)):
            line = self._lines[number].rstrip()
            if line and not line.startswith("#"):
                return number
        return None

    def _end_of(self, start: int) -> int | None:
        """The line of its `=== end`, None where the file ends before."""
        for number in range(start + 1, len(self._lines)):
            line = self._lines[number].rstrip()
            if line.startswith("==="):
                if line == _END:
                    return number
                if number + 1 == len(self._lines) and _END.startswith(line):
                    return None
                raise self._wrong(number, f"the entry of line {start + 1} has no `{_END}` before this")
        return None

    def _entry(self, start: int, end: int) -> Entry:
        try:
            role, task, ordinal = _words(self._lines[start], "===", 3)
            (prompt,) = _words(self._lines[start + 1], "prompt:", 1)
            (model,) = _words(self._lines[start + 2], "model:", 1)
            tokens = _words(self._lines[start + 3], "tokens:", 2)
            (seconds,) = _words(self._lines[start + 4], "seconds:", 1)
            reply = "\n".join(self._reply(number) for number in range(start + 5, end))
            return Entry.model_validate(
                {
                    "role": role,
                    "task": task,
                    "ordinal": int(ordinal),
                    "prompt": prompt,
                    "model": model,
                    "prompt_tokens": int(tokens[0]),
                    "reply_tokens": int(tokens[1]),
                    "seconds": float(seconds),
                    "reply": reply,
                }
            )
        except ValueError as error:
            raise self._wrong(start, f"not an entry: {' '.join(str(error).split())}") from error

    def _reply(self, number: int) -> str:
        line = self._lines[number].removesuffix("\r")
        if line == "|" or line.startswith("| "):
            return line[2:]
        if line.startswith("\\ "):
            try:
                return str(json.loads(line[2:]))
            except ValueError as error:
                raise self._wrong(number, "no JSON string after the backslash") from error
        raise self._wrong(number, "a line of a reply begins with `| ` or a backslash and a space")

    def _bytes(self, lines: int) -> int:
        """Length of the first so many lines, their newlines included."""
        size = sum(len(line.encode()) + 1 for line in self._lines[:lines])
        return size if lines < len(self._lines) else size - 1

    def _wrong(self, number: int, what: str) -> UsageError:
        return UsageError(f"{self._path}:{number + 1}: {what}")


def _words(line: str, label: str, count: int) -> list[str]:
    """The values behind a label: bare words, or JSON strings."""
    if not line.startswith(label + " "):
        raise ValueError(f"expected `{label}`, found {line[:60]!r}")
    words = list(_split(line.removeprefix(label).rstrip()))
    if len(words) != count:
        raise ValueError(f"`{label}` has {len(words)} values, not {count}")
    return words


def _split(text: str) -> Iterator[str]:
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        if text.startswith('"'):
            value, end = decoder.raw_decode(text)
            yield str(value)
            text = text[end:]
        else:
            word, _, text = text.partition(" ")
            yield word
