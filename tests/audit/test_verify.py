"""What was done to a log afterwards is found, and where."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from auth.audit.chain import Chain
from auth.audit.checkpoint import Checkpoint, shipped
from auth.audit.entry import Event, Origin
from auth.audit.keys import AuditKeys
from auth.audit.reading import LONGEST, entries, files
from auth.audit.verify import OFTEN, verify
from auth.audit.writer import Writer
from gateway.access_log import JsonFormatter
from tests.audit.logs import DAY, KEYS, Clock, event, faults, only_file, report, write

Lines = list[bytes]


def changed(folder: Path, change: Callable[[Lines], Lines]) -> None:
    path = only_file(folder)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def swapped(lines: Lines) -> Lines:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def edited(lines: Lines) -> Lines:
    return [*lines[:3], lines[3].replace(b"user 2", b"user 9"), *lines[4:]]


def respelled(lines: Lines) -> Lines:
    """The same values, written in another way."""
    return [*lines[:3], json.dumps(json.loads(lines[3])).encode() + b"\n", *lines[4:]]


def rechained(lines: Lines) -> Lines:
    """All hashes made anew, by somebody without the key."""
    chain, made = Chain(AuditKeys(b"guess" * 8).of_file("2025-11-23.node.0.jsonl")), []
    for line in edited(lines):
        members = json.loads(line)
        kept = {name: members[name] for name in ("action", "origin") if name in members}
        made.append(chain.line(msgspec.convert(kept, Event), members["ts"], members["node"]))
    return made


@pytest.mark.parametrize(
    ("change", "line", "why"),
    [
        (edited, 4, "its hash is wrong"),
        (respelled, 4, "it is not written as we write"),
        (lambda lines: [*lines[:3], *lines[4:]], 4, "number 4 is expected, this is 5"),
        (swapped, 4, "number 4 is expected, this is 5"),
        (lambda lines: [*lines[:3], lines[3], *lines[3:]], 5, "number 5 is expected, this is 4"),
        (lambda lines: [*lines[:3], b'{"seq":4}\n', *lines[3:]], 4, "its hash is wrong"),
        (lambda lines: [*lines[:3], b"\n", *lines[3:]], 4, "it is no JSON"),
        (lambda lines: lines[1:], 1, "number 1 is expected, this is 2"),
        (rechained, 1, "its hash is wrong"),
        (lambda lines: lines[:-2], 6, "it had 7 entries at 2025-11-23T12:00:00"),
        (lambda lines: [*lines[:-1], lines[-1][:-9]], 7, "it is cut"),
        (lambda lines: [], 1, "it had 7 entries at"),
    ],
)
def test_what_was_changed_is_found(
    tmp_path: Path, change: Callable[[Lines], Lines], line: int, why: str
) -> None:
    write(tmp_path, 5)
    assert faults(tmp_path) == []
    changed(tmp_path, change)
    (fault,) = faults(tmp_path)
    assert fault.startswith(f"2025-11-23.node.0.jsonl:{line}: {why}")


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    write(tmp_path, 3)
    path = only_file(tmp_path)
    text = path.read_bytes()
    chosen = random.Random(1).sample(range(len(text)), 150)
    for place in chosen:
        flipped = bytearray(text)
        flipped[place] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        assert faults(tmp_path), place


def test_a_file_that_is_gone_is_missed(tmp_path: Path) -> None:
    write(tmp_path, 1)
    write(tmp_path, 1, Clock(Clock().at + DAY))
    first, second = files(tmp_path)
    kept = first.read_bytes()
    first.unlink()
    assert faults(tmp_path) == [f"{first.name}: {second.name} follows it, and it is not there"]
    first.write_bytes(b"".join(kept.splitlines(keepends=True)[:-1]))
    for checkpoints in tmp_path.glob("*.checkpoints"):
        checkpoints.unlink()
    assert faults(tmp_path) == [
        f"{first.name}:3: it ended with entry 3, as {second.name} says, and does not now"
    ]


def test_the_end_that_is_gone_with_its_checkpoints_is_told_by_those_elsewhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, elsewhere = tmp_path / "log", tmp_path / "shipped.log"
    with caplog.at_level(logging.INFO, "tillgate.audit"):
        write(folder, 5)
    formatter = JsonFormatter()
    lines = [formatter.format(record) for record in caplog.records]
    elsewhere.write_text("\n".join(["not ours", *lines, '{"file":1}']) + "\n")
    for path in folder.glob("*.checkpoints"):
        path.unlink()
    changed(folder, lambda lines: lines[:-2])
    assert faults(folder) == []
    (fault,) = verify(folder, KEYS, shipped(elsewhere)).faults
    assert str(fault).startswith("2025-11-23.node.0.jsonl:6: it had 7 entries at")
    only_file(folder).unlink()
    (fault,) = verify(folder, KEYS, shipped(elsewhere)).faults
    assert str(fault).endswith("there is a checkpoint of it, and it is not there")


def test_a_checkpoint_cannot_be_made_without_the_key(tmp_path: Path) -> None:
    write(tmp_path, 5)
    (path,) = tmp_path.glob("*.checkpoints")
    made = msgspec.json.decode(path.read_bytes(), type=Checkpoint)
    assert made.is_ours(KEYS)
    forged = msgspec.structs.replace(made, seq=3)
    assert not forged.is_ours(KEYS)
    path.write_bytes(msgspec.json.encode(forged) + b"\n")
    assert faults(tmp_path) == ["2025-11-23.node.0.jsonl: a checkpoint of it has a wrong seal"]


def test_a_log_that_was_written_anew_is_not_the_one_of_the_checkpoint(tmp_path: Path) -> None:
    """By somebody who has the key, but not what was shipped."""
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, 5)
    write(two, 5, Clock(Clock().at + 5))
    only_file(one).write_bytes(only_file(two).read_bytes())
    (fault,) = faults(one)
    assert fault.startswith("2025-11-23.node.0.jsonl:7: it is not the one of the checkpoint at")


def test_what_was_cleared_is_not_missed(tmp_path: Path) -> None:
    write(tmp_path, 1)
    next_day = Clock(Clock().at + DAY)
    writer = Writer(tmp_path, KEYS, "node", wall=next_day)
    writer.start()
    writer.note(Event(action="log_cleared", origin=Origin.CLI, about={"before": "2025-11-24"}))
    writer.close()
    files(tmp_path)[0].unlink()
    assert faults(tmp_path) == []
    assert report(tmp_path).begins == "2025-11-24"


def test_a_log_of_another_key_is_none_of_ours(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (fault,) = verify(tmp_path, AuditKeys(b"t" * 32)).faults
    assert fault.line == 0 or fault.line == 1


def test_an_empty_folder_is_good(tmp_path: Path) -> None:
    found = report(tmp_path)
    assert (found.files, found.entries, found.faults) == (0, 0, ())


def test_a_long_log_is_read_in_one_way_and_tells_how_far_it_is(tmp_path: Path) -> None:
    chain = Chain(KEYS.of_file("2025-11-23.node.0.jsonl"))
    with (tmp_path / "2025-11-23.node.0.jsonl").open("wb") as file:
        for _ in range(OFTEN + 1):
            file.write(chain.line(Event(action="a", origin=Origin.SYSTEM), "2025", "n"))
    heard: list[str] = []
    assert verify(tmp_path, KEYS, (), heard.append).entries == OFTEN + 1
    assert heard == [f"{OFTEN} entries, now 2025-11-23.node.0.jsonl"]


LONG = b"x" * LONGEST


def behind_a_long_line(lines: Lines) -> Lines:
    return [*lines[:3], LONG + b"\n", *[line.replace(b"user", b"liar") for line in lines[3:]]]


@pytest.mark.parametrize(
    ("change", "line", "why"),
    [
        (behind_a_long_line, 4, "it is longer than any that we write"),
        (lambda lines: [*lines[:3], LONG, *lines[3:]], 4, "it is longer than any that we write"),
        (lambda lines: [*lines, LONG], 7, "it is longer than any that we write"),
        (lambda lines: [*lines[:3], b"x" + lines[3], *lines[4:]], 4, "it is no JSON"),
    ],
)
def test_a_file_that_is_being_written_is_not_excused_what_was_changed(
    tmp_path: Path, change: Callable[[Lines], Lines], line: int, why: str
) -> None:
    writer = Writer(tmp_path, KEYS, "node", wall=Clock())
    writer.start()
    for number in range(5):
        writer.note(event(number))
    changed(tmp_path, change)
    assert faults(tmp_path) == [f"2025-11-23.node.0.jsonl:{line}: {why}"]
    writer.close()


def test_only_the_newest_file_of_a_process_may_have_an_unfinished_line(tmp_path: Path) -> None:
    write(tmp_path, 1)
    writer = Writer(tmp_path, KEYS, "node", wall=Clock(Clock().at + DAY))
    writer.start()
    first, second = files(tmp_path)
    for path in (first, second):
        with path.open("ab") as file:
            file.write(b'{"action":"que')
    (fault,) = faults(tmp_path)
    assert fault.startswith(f"{first.name}:4: it is cut")
    writer.close()


def test_what_is_no_entry_is_told_and_what_follows_is_read(tmp_path: Path) -> None:
    write(tmp_path, 3)
    changed(tmp_path, lambda lines: [*lines[:2], LONG + b"\n", b"{}\n", *lines[3:], b"{"])
    heard: list[str] = []
    found = [entry.seq for entry in entries(only_file(tmp_path), heard.append)]
    assert found == [1, 2, 4, 5]
    assert [line.split(": ")[0] for line in heard] == [
        f"2025-11-23.node.0.jsonl:{number}" for number in (3, 4, 7)
    ]


def test_checkpoints_behind_a_long_line_are_found(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (kept,) = tmp_path.glob("*.checkpoints")
    kept.write_bytes(LONG + b"\n" + kept.read_bytes())
    assert [checkpoint.seq for checkpoint in shipped(kept)] == [3]
