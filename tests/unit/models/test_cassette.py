from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voyager_k8s.core.conversation import Message, ModelReply, ModelRequest, prompt_hash
from voyager_k8s.core.errors import InfrastructureError, UsageError
from voyager_k8s.core.progress import Notice
from voyager_k8s.models.cassette import TITLE, Entry, read_cassette, write_entry
from voyager_k8s.models.recording import RecordingModel
from voyager_k8s.models.scripted import ScriptedModel


def entry(reply: str = "hello", ordinal: int = 1, task: str = "task-001") -> Entry:
    return Entry(
        role="action",
        task=task,
        ordinal=ordinal,
        prompt="0123456789abcdef",
        model="openai:gpt-5.1",
        prompt_tokens=10,
        reply_tokens=2,
        seconds=1.25,
        reply=reply,
    )


def request(text: str = "write a program", ordinal: int = 1) -> ModelRequest:
    return ModelRequest(role="action", task="task-001", ordinal=ordinal, messages=(Message(author="human", text=text),))


def save(path: Path, *entries: Entry) -> Path:
    path.write_bytes((TITLE + "".join(write_entry(one) for one in entries)).encode())
    return path


AWKWARD = st.lists(
    st.sampled_from(
        ["=== end", "=== action t 1", "| ", "|", "\\ ", "\n", "\r", "\r\n", "\t", " ", "#", "é", "\x85", "\x00"]
    )
).map("".join)


@settings(deadline=None)
@given(reply=st.text() | AWKWARD, task=st.text())
def test_any_reply_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, reply: str, task: str) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip.cassette"
    entries = (entry(reply, task=task), entry("after", 2))
    save(path, *entries)

    assert read_cassette(path).entries == entries


@settings(deadline=None)
@given(reply=st.text() | AWKWARD)
def test_a_checkout_with_other_line_ends_and_stripped_blanks_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, reply: str
) -> None:
    path = save(tmp_path_factory.getbasetemp() / "crlf.cassette", entry(reply))
    lines = [line.rstrip(b" \t") for line in path.read_bytes().split(b"\n")]
    path.write_bytes(b"\r\n".join(lines))

    assert read_cassette(path).entries == (entry(reply),)


@settings(deadline=None)
@given(cut=st.integers(min_value=0), reply=st.text() | AWKWARD)
def test_whatever_a_kill_leaves_is_read_up_to_the_last_whole_entry(
    tmp_path_factory: pytest.TempPathFactory, cut: int, reply: str
) -> None:
    path = save(tmp_path_factory.getbasetemp() / "torn.cassette", entry("first"))
    whole = path.stat().st_size
    last = write_entry(entry(reply, 2)).encode()
    left = cut % (len(last) - len("=== end\n"))
    path.write_bytes(path.read_bytes() + last[:left])

    cassette = read_cassette(path)

    assert cassette.entries == (entry("first"),)
    assert (cassette.torn_at is None) == (left <= 1)
    assert cassette.intact_bytes in (whole, whole + 1)


def test_it_reads_well(tmp_path: Path) -> None:
    path = save(tmp_path / "c", entry("```python\nprint(1)\n\n```\ntrailing \n", task="two words"))

    assert path.read_text().split("\n") == [
        "# voyager-k8s cassette 1: model replies, found by role, task and ordinal",
        "",
        '=== action "two words" 1',
        "prompt: 0123456789abcdef",
        "model: openai:gpt-5.1",
        "tokens: 10 2",
        "seconds: 1.25",
        "| ```python",
        "| print(1)",
        "|",
        "| ```",
        '\\ "trailing "',
        "|",
        "=== end",
        "",
    ]


def test_comments_stand_between_entries(tmp_path: Path) -> None:
    text = TITLE + write_entry(entry("one")) + "# a remark\n" + write_entry(entry("two", 2))
    (tmp_path / "c").write_text(text)

    assert [one.reply for one in read_cassette(tmp_path / "c").entries] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "c:1: a cassette begins with"),
        ("role: action\n", "c:1: a cassette begins with"),
        (TITLE.replace("cassette 1", "cassette 2"), "c:1: format 2 is newer than this version of voyager-k8s reads"),
        (TITLE + "nonsense\n=== end\n", "c:2: not an entry: expected `===`, found 'nonsense'"),
        (
            TITLE + write_entry(entry()).replace("=== end", "") + write_entry(entry()),
            "c:11: the entry of line 3 has no",
        ),
        (TITLE + write_entry(entry()).replace("| hello", "hello"), "c:8: a line of a reply begins with"),
        (TITLE + write_entry(entry()).replace("| hello", "\\ hello"), "c:8: no JSON string"),
        (
            TITLE + write_entry(entry()).replace("tokens: 10 2", "tokens: 10"),
            "c:3: not an entry: `tokens:` has 1 values",
        ),
        (TITLE + write_entry(entry()).replace("=== action", "=== wizard"), "c:3: not an entry: .*role"),
        (TITLE + write_entry(entry()).replace("task-001 1", "task-001 one"), "c:3: not an entry: invalid literal"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c").write_text(text)

    with pytest.raises(UsageError, match=message):
        read_cassette(tmp_path / "c")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none: No such file or directory; record one with --record"):
        read_cassette(tmp_path / "none")


def test_binary_rubbish_is_said(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(TITLE.encode() + b"\n\xff\xfe\n")

    with pytest.raises(UsageError, match=r"c:3: not a cassette: no UTF-8 text"):
        read_cassette(tmp_path / "c")


def test_the_hash_depends_on_authors_texts_and_their_borders() -> None:
    def of(*messages: tuple[str, str]) -> str:
        return prompt_hash([Message.model_validate({"author": author, "text": text}) for author, text in messages])

    variants = [
        of(("human", "a"), ("human", "b")),
        of(("human", "ab")),
        of(("human", "b"), ("human", "a")),
        of(("system", "a"), ("human", "b")),
    ]
    assert len(set(variants)) == 4
    assert of(("human", "a")) == of(("human", "a"))
    assert len(variants[0]) == 16


def test_a_recording_holds_what_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c"
    model = RecordingModel(ScriptedModel({"action": ["one", "two \n"]}), path)

    replies = [model.complete(request(ordinal=number)) for number in (1, 2)]

    recorded = read_cassette(path).entries
    assert [one.reply for one in recorded] == ["one", "two \n"] == [reply.text for reply in replies]
    assert [one.key for one in recorded] == [("action", "task-001", 1), ("action", "task-001", 2)]
    assert recorded[0].prompt == prompt_hash(request().messages)
    assert (recorded[0].model, recorded[0].prompt_tokens, recorded[0].reply_tokens) == ("scripted", 3, 1)


def test_a_recording_goes_on_where_a_killed_one_broke_off(tmp_path: Path) -> None:
    path = save(tmp_path / "c", entry("first"))
    path.write_bytes(path.read_bytes() + write_entry(entry("torn", 2)).encode()[:-20])
    notices: list[Notice] = []

    model = RecordingModel(ScriptedModel({"action": ["again"]}), path, notices.append)
    model.complete(request(ordinal=2))

    assert [one.reply for one in read_cassette(path).entries] == ["first", "again"]
    assert [notice.text for notice in notices] == [f"{path}:11: an unfinished entry was cut off"]


def test_threads_do_not_mix_their_replies(tmp_path: Path) -> None:
    def answer(asked: ModelRequest) -> str:
        return f"{asked.ordinal}\n" * 50

    model = RecordingModel(ScriptedModel(answer), tmp_path / "c")
    threads = [threading.Thread(target=model.complete, args=(request(ordinal=number),)) for number in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    recorded = read_cassette(tmp_path / "c").entries
    assert {one.ordinal: one.reply for one in recorded} == {n: f"{n}\n" * 50 for n in range(1, 21)}


def test_a_file_that_is_no_cassette_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine\n")

    with pytest.raises(UsageError, match=r"notes.txt:1"):
        RecordingModel(ScriptedModel({}), tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine\n"


def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="cannot record to"):
        RecordingModel(ScriptedModel({}), tmp_path / "file" / "c")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    model = RecordingModel(ScriptedModel({"action": ["one"]}), tmp_path / "c")
    (tmp_path / "c").unlink()
    (tmp_path / "c").symlink_to("/dev/full")

    with pytest.raises(InfrastructureError, match="No space left on device; free some space"):
        model.complete(request())


def test_a_failure_is_not_recorded(tmp_path: Path) -> None:
    class Odd:
        def complete(self, asked: ModelRequest) -> ModelReply:
            raise InfrastructureError("down")

    model = RecordingModel(Odd(), tmp_path / "c")

    with pytest.raises(InfrastructureError):
        model.complete(request())
    assert read_cassette(tmp_path / "c").entries == ()
