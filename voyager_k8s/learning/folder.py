"""A campaign's folder: its configuration, its lock, and where everything else lies.

campaign.yaml      the configuration, as it was resolved
journal.sqlite3    the truth about what was done
tasks/             programs, prompts, replies and changes, for people
library/           the skills, unless the library is elsewhere
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from filelock import FileLock, Timeout

from voyager_k8s.core.config import CampaignConfig
from voyager_k8s.core.errors import BusyError, UsageError
from voyager_k8s.learning.settings import read_config
from voyager_k8s.learning.writing import write_text

__all__ = ["CampaignFolder"]


class CampaignFolder:
    """One campaign's folder, which may not exist yet.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.journal = self.path / "journal.sqlite3"

    @property
    def exists(self) -> bool:
        """Whether a campaign was started here."""
        return (self.path / "campaign.yaml").exists()

    def config(self) -> CampaignConfig:
        """The configuration it was started with.

        Raises:
            UsageError: this is no campaign's folder, or its configuration does not fit.
        """
        if not self.exists:
            raise UsageError(
                f"{self.path} is no campaign's folder (it has no campaign.yaml); start one with `train --out`"
            )
        return read_config(self.path / "campaign.yaml")

    def save(self, config: CampaignConfig) -> None:
        """Write the configuration, without keys (it has none).

        Raises:
            InfrastructureError: the disk is full; the configuration that was there stays.
        """
        data = config.model_dump(mode="json", exclude_defaults=True, by_alias=True)
        write_text(self.path / "campaign.yaml", yaml.safe_dump(data, sort_keys=False, allow_unicode=True))

    def library(self, config: CampaignConfig) -> Path:
        """Where this campaign's skills are."""
        return Path(config.library.path) if config.library.path else self.path / "library"

    @property
    def in_use(self) -> bool:
        """Whether a process has the folder now."""
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            with lock:
                return False
        except Timeout:
            return True

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out.

        Raises:
            BusyError: another process has it.
            UsageError: there is something else in its place.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(f"{self.path} cannot be used as a campaign's folder: {error.strerror}") from error
        lock = FileLock(self.path / ".lock", timeout=1)  # `status` looks at it for a moment
        try:
            lock.acquire()
        except Timeout as error:
            raise BusyError(
                f"{self.path} is in use by another process; wait for it, or choose another folder"
            ) from error
        try:
            yield
        finally:
            lock.release()
