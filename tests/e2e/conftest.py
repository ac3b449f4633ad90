"""What the end-to-end tests share: one recorded campaign, and an endpoint for further ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.campaign import GatedCampaign
from tests.support.commands import Done, environment, run
from tests.support.openai_server import OpenAIServer, running_server
from voyager_k8s.clusters.binaries import Binaries


@dataclass(frozen=True)
class Endpoint:
    """A loopback endpoint that answers for the scripted campaign."""

    server: OpenAIServer
    campaign: GatedCampaign

    def options(self, rounds: int = 3) -> tuple[str, ...]:
        """Of `train`."""
        return ("--model", "openai:scripted", "--base-url", self.server.base_url, "--iterations", str(rounds))

    @property
    def env(self) -> dict[str, str]:
        """With a key, which such an endpoint does not look at."""
        return environment(OPENAI_API_KEY="none")


@dataclass(frozen=True)
class Recorded:
    """A whole campaign that was trained with `--record`."""

    home: Path
    """Where the command was called; the campaign is in `run/` of it."""
    done: Done
    seconds: float
    calls: int
    """Questions that the endpoint was asked."""

    @property
    def folder(self) -> Path:
        """The campaign's."""
        return self.home / "run"

    @property
    def cassette(self) -> Path:
        """Its replies."""
        return self.home / "replies.cassette"

    @property
    def library(self) -> Path:
        """Its skills."""
        return self.folder / "library"


@pytest.fixture
def endpoint(binaries: Binaries) -> Iterator[Endpoint]:
    """An endpoint of the test's own."""
    with running_server() as server:
        campaign = GatedCampaign()
        server.follow(campaign)
        yield Endpoint(server, campaign)


@pytest.fixture(scope="session")
def recorded(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The campaign that nothing disturbed; tests copy what they change."""
    home = tmp_path_factory.mktemp("recorded")
    with running_server() as server:
        endpoint = Endpoint(server, GatedCampaign())
        server.follow(endpoint.campaign)
        began = time.perf_counter()
        done = run(
            *("train", "--out", "run", *endpoint.options(), "--record", "replies.cassette", "--json"),
            cwd=home,
            env=endpoint.env,
        )
        seconds = time.perf_counter() - began
    assert done.code == 0, done.err
    return Recorded(home, done, seconds, len(endpoint.campaign.asked))
