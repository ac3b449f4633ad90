"""SQLite, in one place: a file with a schema, whole transactions, and errors a person can act on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voyager_k8s.core.errors import InfrastructureError, UsageError

__all__ = ["Database"]


class Database:
    """One SQLite file in WAL mode. Safe to use from several threads and, by SQLite's own locks, processes.

    Args:
        path: made where it is missing.
        schema: statements that may be run again on a file that has them.

    Raises:
        UsageError: the file cannot be opened, or is no such database.
        InfrastructureError: the disk is full.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(schema)
        except sqlite3.Error as error:
            if _is_of_the_disk(error):
                raise InfrastructureError(f"the journal {path} cannot be written: {error}; free some space") from error
            raise UsageError(f"the journal {path} cannot be opened: {error}; is it a campaign's folder?") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: what is written inside is there whole or not at all.

        Raises:
            InfrastructureError: it cannot be written.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as error:  # Ctrl-C too: a transaction left open would take the next one in
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if not isinstance(error, sqlite3.Error):
                    raise
                raise InfrastructureError(
                    f"the journal {self._path} cannot be written: {error}; nothing finished is lost"
                ) from error

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """All rows of a query.

        Raises:
            UsageError: the file cannot be read.
        """
        with self._lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise UsageError(f"the journal {self._path} cannot be read: {error}") from error


def _is_of_the_disk(error: sqlite3.Error) -> bool:
    """Whether the machine is the trouble and not the file; the low byte is the primary code
    (https://sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
