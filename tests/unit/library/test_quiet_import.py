"""Opening an embedder leaves the host program's logging as it was."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import logging
from voyager_k8s.core.config import EmbeddingConfig
from voyager_k8s.library.embeddings import open_embedder
open_embedder(EmbeddingConfig())
print(len(logging.getLogger().handlers), logging.getLogger().level)
"""


def test_the_root_logger_stays_as_it_was() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "30"]
