"""Ports that two starts at one moment never share."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from voyager_k8s.clusters.network_ports import is_free, reserved_ports
from voyager_k8s.clusters.processes import Owner
from voyager_k8s.clusters.settings import EmbeddedSettings
from voyager_k8s.core.errors import ClusterError


@pytest.fixture
def settings(tmp_path: Path) -> EmbeddedSettings:
    return EmbeddedSettings(ports_folder=tmp_path, first_port=18000, last_port=18099)


def test_reservations_at_the_same_moment_are_disjoint(settings: EmbeddedSettings) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        managers = [reserved_ports(6, settings) for _ in range(8)]
        taken = list(pool.map(lambda manager: manager.__enter__(), managers))
        for manager in managers:
            stack.push(manager.__exit__)
        ports = [port for chosen in taken for port in chosen]
        assert len(set(ports)) == 48


def test_a_port_in_use_is_not_chosen(settings: EmbeddedSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        only_that = settings.model_copy(update={"first_port": port, "last_port": port})
        with pytest.raises(ClusterError, match=rf"of {port} to {port} only 0 are"), reserved_ports(1, only_that):
            pass


def test_what_is_given_back_can_be_had_again(settings: EmbeddedSettings) -> None:
    one = settings.model_copy(update={"last_port": 18000})
    for _ in range(2):
        with reserved_ports(1, one) as ports:
            assert ports == (18000,)


def test_reservations_of_dead_processes_and_a_broken_file_do_not_matter(settings: EmbeddedSettings) -> None:
    one = settings.model_copy(update={"last_port": 18000})
    with reserved_ports(1, one):
        (path,) = settings.ports_folder.glob("*.json")
    dead = Owner.this_process().model_copy(update={"started": 1.0})
    path.write_text(json.dumps([{"ports": [18000], "owner": dead.model_dump()}]))
    with reserved_ports(1, one) as ports:
        assert ports == (18000,)
    path.write_text("[{")
    with reserved_ports(1, one) as ports:
        assert ports == (18000,)
