"""Names, records, owners and processes of embedded clusters, without starting one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from voyager_k8s.clusters.cluster_state import Place, Ports, Record
from voyager_k8s.clusters.embedded import collect_garbage, list_clusters, take_down
from voyager_k8s.clusters.processes import Owner, kill_all, processes_of, program_of
from voyager_k8s.core.errors import BusyError, UsageError

_PORTS = Ports(etcd=1, etcd_peer=2, kube_apiserver=3, kube_controller_manager=4, kube_scheduler=5, kwok=6)
_DEAD = Owner(pid=os.getpid(), started=1.0)
"""This process's id, but of a process long ago."""


def _record(owner: Owner | None) -> Record:
    return Record(owner=owner, ports=_PORTS, nodes=2, kubernetes_version="1.36.1")


@pytest.mark.parametrize("name", ["", "Upper", "under_score", "-first", "last-", "../up", "a" * 53])
def test_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="use small letters"):
        Place.of(tmp_path, name)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    place = Place.of(tmp_path, "one")
    assert place.read() is None
    place.write(_record(Owner.this_process()))
    assert place.read() == _record(Owner.this_process())
    (place.own / "record.json").write_text("{")
    assert place.read() is None


def test_an_owner_is_told_from_a_later_process_of_the_same_id() -> None:
    assert Owner.this_process().alive
    assert not _DEAD.alive


def test_garbage_is_what_has_a_dead_owner_or_no_record(tmp_path: Path) -> None:
    for name, owner in (("dead", _DEAD), ("mine", Owner.this_process()), ("nobodys", None)):
        Place.of(tmp_path, name).write(_record(owner))
    (tmp_path / "clusters" / "torn").mkdir()

    assert collect_garbage(tmp_path) == ["dead", "torn"]
    assert [found.name for found in list_clusters(tmp_path)] == ["mine", "nobodys"]
    assert [found.owner_pid for found in list_clusters(tmp_path)] == [os.getpid(), None]
    assert not any(found.running for found in list_clusters(tmp_path))


def test_a_cluster_that_is_being_started_is_no_garbage(tmp_path: Path) -> None:
    place = Place.of(tmp_path, "young")
    with place.locked():
        place.folder.mkdir(parents=True)
        assert collect_garbage(tmp_path) == []
        with pytest.raises(BusyError, match="being started or stopped"), place.locked(wait=False):
            pass
    assert collect_garbage(tmp_path) == ["young"]


def test_processes_are_known_by_the_path_they_were_started_by(tmp_path: Path) -> None:
    sleep = shutil.which("sleep")
    assert sleep is not None
    place = Place.of(tmp_path, "one")
    program = place.folder / "bin" / "etcd"
    program.parent.mkdir(parents=True)
    program.symlink_to(sleep)
    ours = subprocess.Popen([program, "60"])
    # One that only mentions the folder, as an editor of its files would.
    other = subprocess.Popen([sys.executable, "-c", "input()", str(program)], stdin=subprocess.PIPE)
    try:
        (found,) = processes_of(place.folder)
        assert (found.pid, program_of(found)) == (ours.pid, "etcd")
        assert take_down(tmp_path, "one")
        assert ours.wait(10) != 0
        assert other.poll() is None
        assert not place.folder.exists()
        assert not take_down(tmp_path, "one")
        assert kill_all([found]) == []
    finally:
        ours.kill()
        other.communicate(b"\n")
        ours.wait()
