"""The writer on real files: batches, days, processes, crashes, full disks."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest

from auth.audit import slot_log
from auth.audit.checkpoint import Checkpoint, keep
from auth.audit.day_file import QUARANTINE
from auth.audit.disk import Disk
from auth.audit.entry import Result
from auth.audit.keys import AuditKeys
from auth.audit.reading import LONGEST, entries, files
from auth.audit.slot import LogUnusable
from auth.audit.slot_log import SlotLog
from auth.audit.writer import BATCH, AuditUnavailable, Writer
from tests.audit.logs import (
    DAY,
    KEYS,
    NOON,
    Clock,
    actions,
    event,
    faults,
    only_file,
    report,
    told,
    write,
)
from tests.waiting import met, turns, until

ROOT = Path(__file__).parents[2]


def process(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.audit.process", str(folder), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def test_a_log_tells_from_its_start_to_its_end(tmp_path: Path) -> None:
    write(tmp_path, 3)
    assert actions(tmp_path) == ["log_started", "query", "query", "query", "log_stopped"]
    entries = told(tmp_path)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.ts for entry in entries] == sorted(entry.ts for entry in entries)
    assert entries[0].ts == "2025-11-23T12:00:00.000001000Z"
    assert faults(tmp_path) == []


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    write(folder, 1)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


class CountedDisk(Disk):
    def __init__(self) -> None:
        self.syncs = 0

    def sync(self, handle: int) -> None:
        self.syncs += 1
        super().sync(handle)


def test_many_events_are_few_batches(tmp_path: Path) -> None:
    disk = CountedDisk()
    write(tmp_path, 4 * BATCH, disk=disk)
    assert report(tmp_path).entries == 4 * BATCH + 2
    # The folder, the first and the last entry; and the batches.
    assert disk.syncs < 20


def test_a_process_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    write(tmp_path, 2)
    write(tmp_path, 1)
    assert actions(tmp_path).count("log_started") == 2
    assert [entry.seq for entry in told(tmp_path)] == [1, 2, 3, 4, 5, 6, 7]
    assert only_file(tmp_path).name == "2025-11-23.node.0.jsonl"
    assert faults(tmp_path) == []


def test_every_process_has_files_of_its_own(tmp_path: Path) -> None:
    both = [Writer(tmp_path, KEYS, "node", wall=Clock()) for _ in range(2)]
    for writer in both:
        writer.start()
    for number in range(500):
        both[number % 2].put(event(number))
    for writer in both:
        writer.close()
    assert [path.name for path in files(tmp_path)] == [
        "2025-11-23.node.0.jsonl",
        "2025-11-23.node.1.jsonl",
    ]
    assert report(tmp_path).entries == 504
    assert faults(tmp_path) == []


def test_events_of_many_threads_are_all_there(tmp_path: Path) -> None:
    writer = Writer(tmp_path, KEYS, "node")
    writer.start()

    def put() -> None:
        for number in range(200):
            writer.put(event(number))

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert actions(tmp_path).count("query") == 800
    assert faults(tmp_path) == []


def test_a_day_has_a_file_that_names_the_one_before(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(tmp_path, KEYS, "node", wall=clock)
    writer.start()
    writer.note(event(1))
    clock.at += DAY
    writer.note(event(2))
    clock.at -= DAY
    writer.note(event(3))
    writer.close()
    before, after = files(tmp_path)
    assert [before.name[:10], after.name[:10]] == ["2025-11-23", "2025-11-24"]
    assert actions(tmp_path) == [
        "log_started", "query", "log_continued", "query",
        "log_clock_set_back", "query", "log_stopped",
    ]  # fmt: skip
    entries = told(tmp_path)
    assert entries[2].about == {
        "after": before.name, "after_seq": 2, "after_hash": entries[1].hash,
    }  # fmt: skip
    assert faults(tmp_path) == []


def test_a_clock_that_was_set_back_over_midnight_leaves_a_good_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each start writes today's file again, says how the other one ended and that the clock went
    back; nothing of this is a fault, at whatever moment the log is verified."""
    today = Clock()
    write(tmp_path, 1, today)
    write(tmp_path, 1, Clock(NOON + DAY))
    first, second = files(tmp_path)
    caplog.clear()
    write(tmp_path, 1, Clock(today.at + 10**9))
    assert faults(tmp_path) == []
    assert files(tmp_path) == [first, second]
    again = list(entries(first))[3:]
    assert [entry.action for entry in again] == [
        "log_started", "log_clock_set_back", "query", "log_stopped",
    ]  # fmt: skip
    end = list(entries(second))[-1]
    assert again[0].about == {
        "after": second.name, "after_seq": end.seq, "after_hash": end.hash,
    }  # fmt: skip
    assert again[1].about == {"seconds": DAY // 10**9 - 1, "latest": end.ts}
    assert "the clock was set back" in caplog.messages
    write(tmp_path, 1, Clock(NOON + DAY + 10**9))
    write(tmp_path, 1, Clock(today.at + 2 * 10**9))
    assert faults(tmp_path) == []
    assert files(tmp_path) == [first, second]


def test_a_file_that_was_left_for_an_earlier_day_is_missed_where_its_end_is_gone(
    tmp_path: Path,
) -> None:
    write(tmp_path, 1, Clock(NOON + DAY))
    write(tmp_path, 1)
    first, second = files(tmp_path)
    second.write_bytes(b"".join(second.read_bytes().splitlines(keepends=True)[:-1]))
    for checkpoints in tmp_path.glob("*.checkpoints"):
        checkpoints.unlink()
    assert faults(tmp_path) == [
        f"{second.name}:3: it ended with entry 3, as {first.name} says, and does not now"
    ]


def test_a_second_back_is_no_news(tmp_path: Path) -> None:
    clock = Clock()
    write(tmp_path, 1, clock)
    clock.at -= 10**9
    write(tmp_path, 1, clock)
    assert "log_clock_set_back" not in actions(tmp_path)


def test_one_batch_over_midnight_is_in_both_files(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(tmp_path, KEYS, "node", wall=clock)
    writer.start()
    for _ in range(3):
        writer.put(event())
        clock.at += DAY
    writer.close()
    assert len(files(tmp_path)) >= 3
    assert actions(tmp_path).count("query") == 3
    assert faults(tmp_path) == []


def test_an_unfinished_line_is_set_aside_and_told(tmp_path: Path) -> None:
    write(tmp_path, 2)
    path = only_file(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"action":"que')
    assert faults(tmp_path) == [
        f"{path.name}:5: it is cut: its process ended while it wrote, or its end was taken away"
    ]
    write(tmp_path, 1)
    assert actions(tmp_path)[4:] == ["log_recovered", "log_started", "query", "log_stopped"]
    assert told(tmp_path)[4].about == {"bytes": 14}
    (aside,) = (tmp_path / QUARANTINE).iterdir()
    assert aside.read_bytes() == b'{"action":"que'
    assert aside.stat().st_mode & 0o777 == 0o600
    assert faults(tmp_path) == []


def test_the_unfinished_line_of_yesterday_is_found_too(tmp_path: Path) -> None:
    write(tmp_path, 1)
    with only_file(tmp_path).open("ab") as file:
        file.write(b"{")
    write(tmp_path, 1, Clock(Clock().at + DAY))
    assert actions(tmp_path)[3:] == ["log_recovered", "log_started", "query", "log_stopped"]
    assert faults(tmp_path) == []


def test_a_log_that_ends_with_what_is_not_ours_is_not_continued(tmp_path: Path) -> None:
    write(tmp_path, 1)
    before = only_file(tmp_path).read_bytes()
    other = Writer(tmp_path, AuditKeys(b"t" * 32), "node", wall=Clock())
    with pytest.raises(LogUnusable, match="another key"):
        other.start()
    assert only_file(tmp_path).read_bytes() == before
    write(tmp_path, 1)
    assert faults(tmp_path) == []


def test_what_is_no_folder_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LogUnusable, match="file: File exists"):
        Writer(tmp_path / "file", KEYS, "node").start()


def test_a_full_disk_is_told_at_the_start(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "2025-11-23.node.0.jsonl").symlink_to("/dev/full")
    with pytest.raises(LogUnusable):
        Writer(tmp_path, KEYS, "node", wall=clock).start()
    (tmp_path / "2025-11-23.node.0.jsonl").unlink()
    write(tmp_path, 1, clock)
    assert only_file(tmp_path).name == "2025-11-23.node.0.jsonl"


def test_a_killed_process_loses_nothing_that_it_told(tmp_path: Path) -> None:
    with process(tmp_path) as running:
        last = 0
        for line in pipe(running.stdout):
            last = int(line)
            if last == 50:
                running.kill()
    write(tmp_path, 1, Clock(Clock().at + 3650 * DAY))
    denied = [e for e in told(tmp_path) if e.outcome is Result.DENIED and e.principal]
    numbers = [int(e.principal.sub.split()[1]) for e in denied if e.principal and e.principal.sub]
    assert last >= 50
    assert numbers[:last] == list(range(1, last + 1))
    assert faults(tmp_path) == []


def test_two_processes_at_once(tmp_path: Path) -> None:
    with process(tmp_path) as one, process(tmp_path) as two:
        for running in (one, two):
            for line in pipe(running.stdout):
                if int(line) == 20:
                    break
        assert len(files(tmp_path)) == 2
        # While they write, an unfinished line is no fault.
        assert faults(tmp_path) == []
        for running in (one, two):
            running.kill()
    for _ in range(2):
        write(tmp_path, 1, Clock(Clock().at + 3650 * DAY))
    assert sum(entry.outcome is Result.DENIED for entry in told(tmp_path)) >= 40


def test_a_full_disk_refuses_until_there_is_room(tmp_path: Path) -> None:
    with process(tmp_path, "3000") as running:
        number, state, *why = pipe(running.stdout).readline().split()
        assert state == "refused"
        assert " ".join(why) == "nothing can be written"
        pipe(running.stdin).write("\n")
        pipe(running.stdin).flush()
        assert pipe(running.stdout).readline() == "again\n"
        assert running.wait() == 0
    # The one that was refused is there all the same: it was asked for.
    assert sum(entry.outcome is Result.DENIED for entry in told(tmp_path)) == int(number)
    assert actions(tmp_path)[-2:] in (
        ["log_resumed", "log_stopped"],
        ["log_stopped", "log_resumed"],
    )
    assert faults(tmp_path) == []


class StuckDisk(Disk):
    """Finishes no call until `free` is set; `begun` says that one waits."""

    def __init__(self) -> None:
        self.free, self.begun = threading.Event(), threading.Event()

    def sync(self, handle: int) -> None:
        self.begun.set()
        self.free.wait()
        super().sync(handle)


@pytest.fixture
def stuck(tmp_path: Path) -> StuckDisk:
    write(tmp_path, 0)
    return StuckDisk()


def started(folder: Path, disk: StuckDisk, **changes: Any) -> Writer:
    changes = {"room": 5, "wall": Clock(), **changes}
    writer = Writer(folder, KEYS, "node", disk=disk, **changes)
    disk.free.set()
    writer.start()
    disk.free.clear()
    disk.begun.clear()
    return writer


def fill(writer: Writer) -> None:
    """One batch is with the disk, and as many wait as there is room for."""
    writer.put(event(0))
    until(lambda: not writer._queue)
    for number in range(1, 6):
        writer.put(event(number))


def test_a_strict_log_that_is_full_refuses(tmp_path: Path, stuck: StuckDisk) -> None:
    writer = started(tmp_path, stuck)
    assert [writer.refuses, writer.is_writing] == [False, True]
    fill(writer)
    assert [writer.refuses, writer.is_writing] == [True, False]
    with pytest.raises(AuditUnavailable):
        writer.put(event(6))
    stuck.free.set()
    writer.close()
    assert actions(tmp_path).count("query") == 6


def test_a_relaxed_log_that_is_full_drops_what_was_allowed(
    tmp_path: Path, stuck: StuckDisk
) -> None:
    writer = started(tmp_path, stuck, strict=False)
    fill(writer)
    assert not writer.refuses
    writer.put(event(6))
    writer.put(event(7))
    writer.put(event(8, Result.DENIED))
    stuck.free.set()
    writer.close()
    entries = told(tmp_path)
    assert sum(entry.action == "query" for entry in entries) == 7
    assert [e.principal.sub for e in entries if e.principal and e.outcome is Result.DENIED] == [
        "user 8"
    ]
    assert [e.about for e in entries if e.action == "log_dropped"] == [{"count": 2}]


@pytest.mark.anyio
async def test_strict_waits_for_the_disk_and_relaxed_does_not(
    tmp_path: Path, stuck: StuckDisk
) -> None:
    writer = started(tmp_path, stuck)
    waiting = asyncio.ensure_future(writer.written(event(1, Result.DENIED)))
    await met(stuck.begun.is_set)
    await turns()
    assert not waiting.done()
    stuck.free.set()
    await waiting
    writer.close()
    stuck.free.clear()
    relaxed = started(tmp_path, stuck, strict=False)
    await relaxed.written(event(2, Result.DENIED))
    assert actions(tmp_path).count("query") == 1
    stuck.free.set()
    relaxed.close()
    assert actions(tmp_path).count("query") == 2


@pytest.mark.anyio
async def test_nobody_waits_for_ever(tmp_path: Path, stuck: StuckDisk) -> None:
    writer = started(tmp_path, stuck, patience=0.05)
    with pytest.raises(AuditUnavailable, match="too slow"):
        await writer.written(event(1, Result.DENIED))
    with pytest.raises(AuditUnavailable, match="too slow"):
        writer.note(event(2, Result.DENIED))
    stuck.free.set()
    writer.close()
    assert actions(tmp_path).count("query") == 2


def test_a_late_writer_tells_it(
    tmp_path: Path, stuck: StuckDisk, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    writer = started(tmp_path, stuck, wall=clock)
    writer.put(event(0))
    until(lambda: not writer._queue)
    writer.put(event(1))
    clock.at += 7 * 10**9
    with caplog.at_level(logging.WARNING, "tillgate.alerts"):
        stuck.free.set()
        writer.close()
    (alert,) = [entry for entry in told(tmp_path) if entry.action == "alert"]
    assert alert.about == {"rule": "writer_lag", "seconds": 7}
    assert [record.name for record in caplog.records] == ["tillgate.alerts"]


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    writer = Writer(tmp_path, KEYS, "node")
    writer.start()
    writer.close()
    with pytest.raises(AuditUnavailable):
        writer.put(event())
    writer.close()


class FullDisk(Disk):
    is_full = False

    def write(self, handle: int, text: bytes) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device")
        super().write(handle, text)


@pytest.mark.parametrize("is_full_before", [False, True])
def test_a_disk_that_is_full_at_midnight_keeps_no_file_open(
    tmp_path: Path, is_full_before: bool
) -> None:
    """The new file cannot be begun, or the one before it cannot be told to have been cut."""
    clock, disk = Clock(), FullDisk()
    opened = SlotLog(tmp_path, KEYS, "node", clock(), disk)
    if is_full_before:
        with only_file(tmp_path).open("ab") as file:
            file.write(b"{")

    clock.at += DAY
    before = len(os.listdir("/proc/self/fd"))
    disk.is_full = True
    for _ in range(10):
        with pytest.raises(OSError, match="No space"):
            opened.append([(event(), clock())])
    disk.is_full = False
    assert len(os.listdir("/proc/self/fd")) == before
    opened.append([(event(), clock())])
    opened.close()
    assert actions(tmp_path)[-2:] == ["log_continued", "query"]


@pytest.mark.parametrize(
    "bad",
    [
        {"reason": "\ud800"},
        {"status": 2**70},
        {"about": {"much": "x" * LONGEST}},
        {"about": {"strange": object()}},
    ],
)
def test_what_cannot_be_said_holds_up_nothing(tmp_path: Path, bad: dict[str, Any]) -> None:
    writer = Writer(tmp_path, KEYS, "node", wall=Clock())
    writer.start()
    writer.put(event(1))
    writer.put(msgspec.structs.replace(event(2, Result.DENIED), request_id="r\ud800", **bad))
    writer.note(event(3))
    assert writer.is_writing
    writer.close()
    assert actions(tmp_path) == [
        "log_started", "query", "log_replaced", "query", "log_stopped",
    ]  # fmt: skip
    replaced = told(tmp_path)[2]
    assert replaced.outcome is Result.DENIED
    assert (replaced.about["action"], replaced.about["request"]) == ("query", "r?")
    assert faults(tmp_path) == []


def test_nothing_is_answered_when_nobody_writes_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    writer = Writer(tmp_path, KEYS, "node", wall=Clock())
    assert writer.refuses
    writer.start()
    monkeypatch.setattr(writer, "_resume", broken)
    writer.put(event(1))
    until(lambda: not writer.is_writing)
    assert writer.refuses
    with pytest.raises(AuditUnavailable, match="nothing can be written"):
        writer.put(event(2))
    writer.close()
    fatal = [r for r in caplog.records if r.levelno == logging.CRITICAL]
    assert [r.fields for r in fatal] == [{"why": "ZeroDivisionError"}]  # type: ignore[attr-defined]


def test_nobody_waits_for_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path, KEYS, "node", wall=Clock())
    begun, free = threading.Event(), threading.Event()

    def slow(folder: Path, checkpoint: Checkpoint) -> None:
        begun.set()
        free.wait()
        keep(folder, checkpoint)

    monkeypatch.setattr(slot_log, "keep", slow)
    monkeypatch.setattr(SlotLog, "due", 0.0)
    writer.start()
    begun.wait()
    # It would wait for ever if the lock were held.
    writer.put(event(1))
    assert not free.is_set()
    monkeypatch.undo()
    free.set()
    writer.close()
    assert actions(tmp_path) == ["log_started", "query", "log_stopped"]
    assert faults(tmp_path) == []
