"""What a failed write means: a full disk is not a failed source, so nothing else is tried after it."""

from __future__ import annotations

import errno
from pathlib import Path

from voyager_k8s.core.errors import ClusterError

__all__ = ["DiskFullError", "disk_error"]


class DiskFullError(ClusterError):
    """No space is left on a disk."""


def disk_error(error: OSError, folder: Path) -> ClusterError:
    """The error to raise from `error`, which came of writing below `folder`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(
            f"no space is left on the disk of {folder}: free about 2 GiB there, or choose another folder"
        )
    return ClusterError(f"{folder} cannot be written to: {error}")
