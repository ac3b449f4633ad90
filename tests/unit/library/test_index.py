from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.chroma_server import NoServer, running_chroma
from tests.support.words import CountingEmbedder, word_embedder
from voyager_k8s.core.errors import InfrastructureError, UsageError
from voyager_k8s.core.progress import Notice
from voyager_k8s.library.damage import is_damage
from voyager_k8s.library.index import ChromaIndex, open_index

TEXTS = {f"skill_{letter}": f"skill_{letter}: about {letter * 3}" for letter in "abcdefgh"}
Damage = Callable[[Path], None]


def database(folder: Path) -> Path:
    return folder / "chroma.sqlite3"


def run_sql(statement: str) -> Damage:
    def damage(folder: Path) -> None:
        connection = sqlite3.connect(database(folder))
        with connection:
            connection.execute(statement)
        connection.close()

    return damage


def write_garbage(folder: Path) -> None:
    database(folder).write_bytes(b"garbage" * 999)


def keep_half(folder: Path) -> None:
    content = database(folder).read_bytes()
    database(folder).write_bytes(content[: len(content) // 2])


def replace_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file")


DAMAGES: dict[str, Damage] = {
    "garbage": write_garbage,
    "half": keep_half,
    "another version": run_sql("update migrations set hash = 'other'"),
    "a table is gone": run_sql("drop table embeddings"),
    "no segments": run_sql("delete from segments"),
    "a file in its place": replace_folder,
}


@pytest.fixture
def notices() -> list[Notice]:
    return []


@pytest.fixture
def index(tmp_path: Path, notices: list[Notice]) -> Iterator[ChromaIndex]:
    index = open_index(tmp_path, word_embedder(), listener=notices.append)
    yield index
    index.close()


def is_whole(index: ChromaIndex) -> bool:
    return [hit.name for hit in index.query(TEXTS["skill_c"], 1)] == ["skill_c"] and len(index.query("x", 99)) == 8


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_index_is_built_anew_and_said(
    tmp_path: Path, index: ChromaIndex, notices: list[Notice], damage: Damage
) -> None:
    index.sync(TEXTS)
    index.close()
    damage(tmp_path / "index")

    index.sync(TEXTS)

    assert is_whole(index)
    (notice,) = notices
    assert notice.kind == "library"
    assert notice.text.startswith(f"the index in {tmp_path}/index was damaged and is built anew")
    assert (tmp_path / "index.damaged").exists()


def test_damage_found_by_a_query_is_mended_too(tmp_path: Path, index: ChromaIndex, notices: list[Notice]) -> None:
    index.sync(TEXTS)
    index.close()
    write_garbage(tmp_path / "index")

    assert is_whole(index)
    assert len(notices) == 1


def test_damage_twice_leaves_one_folder_aside(tmp_path: Path, index: ChromaIndex, notices: list[Notice]) -> None:
    for _ in range(2):
        index.sync(TEXTS)
        index.close()
        write_garbage(tmp_path / "index")
    index.sync(TEXTS)

    assert is_whole(index)
    assert len(notices) == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["index", "index.damaged"]


@pytest.mark.parametrize("gone", ["all of it", "the database"])
def test_it_may_be_deleted_at_any_time(tmp_path: Path, index: ChromaIndex, gone: str) -> None:
    index.sync(TEXTS)
    index.close()
    if gone == "all of it":
        shutil.rmtree(tmp_path / "index")
    else:
        database(tmp_path / "index").unlink()

    assert index.sync(TEXTS) == 8
    assert is_whole(index)


def test_deleted_while_open_it_is_whole_again_at_the_next_opening(tmp_path: Path, index: ChromaIndex) -> None:
    index.sync(TEXTS)
    shutil.rmtree(tmp_path / "index")
    again = open_index(tmp_path, word_embedder())

    assert again.sync(TEXTS) == 8
    assert is_whole(again)
    again.close()


def test_vectors_of_another_size_under_the_same_name_are_damage(tmp_path: Path, notices: list[Notice]) -> None:
    before = open_index(tmp_path, CountingEmbedder(size=16))
    before.sync(TEXTS)
    before.close()

    index = open_index(tmp_path, CountingEmbedder(size=32), listener=notices.append)
    index.sync({**TEXTS, "new": "new"})

    assert len(index.query("x", 99)) == 9
    assert len(notices) == 1
    index.close()


def test_threads_share_it(index: ChromaIndex) -> None:
    index.sync(TEXTS)
    found: list[str] = []

    def ask(name: str) -> None:
        found.extend(hit.name for hit in index.query(TEXTS[name], 1))

    threads = [threading.Thread(target=ask, args=(name,)) for name in TEXTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == sorted(TEXTS)


def test_closing_twice_is_nothing(index: ChromaIndex) -> None:
    index.sync(TEXTS)
    index.close()
    index.close()


def test_a_server_that_is_down_is_the_worlds_failure(tmp_path: Path) -> None:
    index = open_index(tmp_path, word_embedder(), chroma_url="http://127.0.0.1:9")

    with pytest.raises(InfrastructureError, match=r"the Chroma server http://127\.0\.0\.1:9 fails: Could not connect"):
        index.sync(TEXTS)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "", "http://"])
def test_an_url_that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="write it as http://host:port"):
        open_index(tmp_path, word_embedder(), chroma_url=url)


def test_a_server_that_stops_and_libraries_that_share_one(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    try:
        with running_chroma(tmp_path / "server") as url:
            mine = open_index(tmp_path / "mine", word_embedder(), chroma_url=url)
            other = open_index(tmp_path / "other", word_embedder(), chroma_url=url)
            mine.sync(TEXTS)
            other.sync({"only": "only this"})
            assert is_whole(mine)
            assert len(other.query("x", 9)) == 1
    except NoServer as error:
        pytest.skip(str(error))

    with pytest.raises(InfrastructureError, match="the Chroma server"):
        mine.query("x", 1)
    other.close()


@pytest.mark.parametrize(
    "message",
    [
        "error returned from database: (code: 5) database is locked",
        "error returned from database: (code: 13) database or disk is full",
        "error returned from database: (code: 8) attempt to write a readonly database",
        "error returned from database: (code: 778) disk I/O error",
        "Permission denied (os error 13)",
        "No space left on device (os error 28)",
    ],
)
def test_an_intact_index_is_not_thrown_away_for_the_machines_trouble(message: str) -> None:
    assert not is_damage(message)
    assert is_damage("error returned from database: (code: 11) database disk image is malformed")
