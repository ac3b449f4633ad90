"""Installing the control plane's programs: from the cache, PATH, releases (a loopback server) or a build."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.release_hosts import Fault, ReleaseHosts, release_hosts, stand_in
from voyager_k8s.clusters.binaries import Binaries, components
from voyager_k8s.clusters.disk import DiskFullError, disk_error
from voyager_k8s.clusters.install import cached, install
from voyager_k8s.clusters.settings import InstallSettings
from voyager_k8s.core.errors import ClusterError, PrerequisiteError
from voyager_k8s.core.progress import Notice, silent

_INSTALL = """
import sys
from voyager_k8s.clusters.install import install
from voyager_k8s.clusters.settings import InstallSettings
from voyager_k8s.core.progress import silent
print(install(InstallSettings.model_validate_json(sys.argv[1]), silent).model_dump_json())
"""


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[ReleaseHosts]:
    with release_hosts(tmp_path / "cache") as server:
        yield server


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go modules that build in a moment, in the place of the real ones."""
    folder = tmp_path_factory.mktemp("modules")
    _module(folder / "etcd", "example.test/etcd", {"": "etcd Version: 3.6.8"})
    _module(folder / "kubernetes", "example.test/kubernetes", {"": "Kubernetes v1.36.1"})
    said = "kwok version v0.8.0"
    _module(folder / "kwok", "sigs.k8s.io/kwok", {"cmd/kwok": said, "cmd/kwokctl": said})
    return folder


def _module(folder: Path, name: str, packages: dict[str, str]) -> None:
    for package, says in packages.items():
        (folder / package).mkdir(parents=True)
        # os.Stdout, as the real ones: println would write to stderr
        text = f'package main\n\nimport "os"\n\nfunc main() {{ os.Stdout.WriteString("{says}\\n") }}\n'
        (folder / package / "main.go").write_text(text)
    (folder / "go.mod").write_text(f"module {name}\n\ngo 1.26\n")


def _with_go(settings: InstallSettings, modules: Path) -> InstallSettings:
    go = shutil.which("go") or str(Path(sys.executable).with_name("go"))
    return settings.model_copy(update={"modules": modules, "bundled_go": Path(go)})


def _warnings(notices: list[Notice]) -> str:
    return "\n".join(notice.text for notice in notices if notice.kind == "warning")


def _left_in_bin(settings: InstallSettings) -> set[str]:
    return {path.name for path in (settings.cache / "bin").iterdir()} - {".lock"}


def _says(program: Path) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def test_downloads_all_programs_with_progress(hosts: ReleaseHosts) -> None:
    notices: list[Notice] = []
    binaries = install(hosts.settings, notices.append)

    assert _says(binaries.kube_scheduler) == "Kubernetes v1.36.1\n"
    assert _says(binaries.etcd) == "etcd Version: 3.6.8\n"
    assert _says(binaries.kwokctl).startswith("kwok version v0.8.0")
    ends = [notice for notice in notices if notice.total and notice.done == notice.total]
    assert len(ends) == 6
    assert not _warnings(notices)
    assert _left_in_bin(hosts.settings) == {one.folder(hosts.settings).name for one in components(hosts.settings)}


def test_a_second_install_asks_nobody(hosts: ReleaseHosts) -> None:
    assert cached(hosts.settings) is None
    first = install(hosts.settings, silent)
    hosts.asked.clear()

    assert install(hosts.settings, silent) == first == cached(hosts.settings)
    assert not hosts.asked


@pytest.mark.parametrize(
    ("fault", "said"),
    [("wrong checksum", "wrong checksum"), ("cut", "broke off"), ("missing", "answers 404")],
)
def test_a_faulty_download_falls_through_to_the_build(
    hosts: ReleaseHosts, modules: Path, fault: Fault, said: str
) -> None:
    hosts.faults["kube-scheduler"] = fault
    notices: list[Notice] = []
    binaries = install(_with_go(hosts.settings, modules), notices.append)

    assert said in _warnings(notices)
    assert "/kube-scheduler" in _warnings(notices)
    assert _says(binaries.kube_scheduler) == "Kubernetes v1.36.1\n"
    assert binaries.kube_scheduler.resolve().name == "kube"  # built: one program with links
    assert binaries.etcd.read_bytes() == stand_in("etcd", "3.6.8")  # downloaded


def test_builds_where_no_release_host_is_reached(tmp_path: Path, modules: Path) -> None:
    nobody = "http://127.0.0.1:9"
    settings = InstallSettings(
        cache=tmp_path, kubernetes_url=nobody, etcd_url=nobody, kwok_url=nobody, kwok_index_url=nobody
    ).model_copy(update={"search_path": str(tmp_path)})
    notices: list[Notice] = []
    binaries = install(_with_go(settings, modules), notices.append)

    assert _says(binaries.kwok) == "kwok version v0.8.0\n"
    assert _warnings(notices).count("cannot be reached") == 3
    steps = [notice.text for notice in notices if "step 3 of 3" in notice.text]
    assert steps[0].startswith("building kubernetes 1.36.1 (step 3 of 3)")
    assert steps[-1].partition(": ")[2].startswith("done in")


def test_all_sources_that_failed_are_listed(hosts: ReleaseHosts, modules: Path, tmp_path: Path) -> None:
    hosts.faults["SHA256SUMS"] = "missing"
    broken = tmp_path / "modules"
    shutil.copytree(modules, broken)
    (broken / "etcd" / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")

    with pytest.raises(ClusterError, match=r"etcd 3\.6\.8 .*download: .*404.*build: .*undefined") as caught:
        install(_with_go(hosts.settings, broken), silent)
    assert not isinstance(caught.value, PrerequisiteError)
    assert _left_in_bin(hosts.settings) == {components(hosts.settings)[0].folder(hosts.settings).name}


def test_without_go_it_says_how_to_get_it(hosts: ReleaseHosts) -> None:
    hosts.faults["kube-apiserver.sha256"] = "missing"
    with pytest.raises(PrerequisiteError, match=r"Go 1\.26 or newer.*pip install"):
        install(hosts.settings, silent)


def test_a_download_that_is_another_version_is_refused(hosts: ReleaseHosts) -> None:
    settings = hosts.settings.model_copy(update={"etcd_version": "3.6.8"})
    path = next(path for path in hosts.files if path.endswith("kube-apiserver"))
    hosts.files[path] = stand_in("kubernetes", "1.35.9")
    hosts.files[f"{path}.sha256"] = hashlib.sha256(hosts.files[path]).hexdigest().encode()
    with pytest.raises(PrerequisiteError, match=r"kube-apiserver is version v1\.35\.9, not 1\.36\.1"):
        install(settings, silent)


def test_programs_on_the_search_path_are_used_if_the_minor_version_fits(hosts: ReleaseHosts, tmp_path: Path) -> None:
    folder = tmp_path / "path"
    folder.mkdir()
    versions = {"kube-apiserver": "1.35.2", "kube-controller-manager": "1.36.0", "kube-scheduler": "1.36.9"}
    for name, body in {
        "etcd": stand_in("etcd", "3.6.1"),
        **{name: stand_in("kubernetes", version) for name, version in versions.items()},
    }.items():
        (folder / name).write_bytes(body)
        (folder / name).chmod(0o755)
    binaries = install(hosts.settings.model_copy(update={"search_path": str(folder)}), silent)

    assert binaries.etcd == folder / "etcd"
    # One of the three has the wrong minor version, so none of them is taken.
    assert binaries.kube_scheduler.is_relative_to(hosts.settings.cache)


def test_two_installs_at_once_share_one_download(hosts: ReleaseHosts) -> None:
    hosts.faults["kube-scheduler"] = "slow"
    processes = [_in_process(hosts.settings) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    assert Binaries.model_validate_json(outputs[0]) == Binaries.model_validate_json(outputs[1])
    assert set(hosts.asked.values()) == {1}


def test_a_killed_install_leaves_nothing_half_made(hosts: ReleaseHosts) -> None:
    hosts.faults["kube-scheduler"] = "stalls"
    process = _in_process(hosts.settings)
    assert hosts.reached.wait(30)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kubernetes = components(hosts.settings)[2].folder(hosts.settings)
    assert not kubernetes.exists()
    assert any(name.startswith(".staging-") for name in _left_in_bin(hosts.settings))

    hosts.faults.clear()
    install(hosts.settings, silent)
    assert kubernetes.is_dir()
    assert not any(name.startswith(".staging-") for name in _left_in_bin(hosts.settings))


def _in_process(settings: InstallSettings) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _INSTALL, settings.model_dump_json()]
    root = Path(__file__).parents[3]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


def test_a_cache_that_cannot_be_written_to_is_named(hosts: ReleaseHosts, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ClusterError, match=r"/file/bin cannot be written to"):
        install(hosts.settings.model_copy(update={"cache": tmp_path / "file"}), silent)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_plainly(number: int) -> None:
    error = disk_error(OSError(number, os.strerror(number)), Path("/somewhere"))
    assert isinstance(error, DiskFullError)
    assert "no space is left on the disk of /somewhere" in str(error)
