"""Reads a whole log once and says what in it is not as it was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from auth.audit.chain import Broken, Chain
from auth.audit.checkpoint import Checkpoint, kept
from auth.audit.keys import AuditKeys
from auth.audit.reading import Line, day_of, files, is_live, lines

OFTEN = 250_000
"""Entries between two signs of life."""
CLEARED = "log_cleared"
OPENED = frozenset({"log_started", "log_continued", "log_recovered"})
"""Entries with which a process comes to a file, again or for the first time."""


class Fault(msgspec.Struct, frozen=True):
    """The first thing that is wrong in a file. `line` counts from 1; 0 is the file as a whole."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


class Report(msgspec.Struct, frozen=True):
    """`begins` is the first day that is there at all; what was before may have been there."""

    files: int
    entries: int
    checkpoints: int
    faults: tuple[Fault, ...]
    begins: str | None


def verify(
    folder: Path,
    keys: AuditKeys,
    shipped: Iterable[Checkpoint] = (),
    tell: Callable[[str], None] = lambda line: None,
) -> Report:
    """Raises OSError where it cannot be read. `shipped` are checkpoints that were kept elsewhere;
    those beside the log are always looked at."""
    return _Verification(folder, keys, tell).report([*kept(folder), *shipped])


class _Read(msgspec.Struct):
    """What of a file is needed again: hashes at the checkpoints, those at which its process left it
    for another file, the last included, and what it says of the ends of other files."""

    marks: dict[int, str]
    ends: dict[int, str] = {}
    left: list[dict[str, Any]] = []
    seq: int = 0
    is_good: bool = True


class _Verification:
    def __init__(self, folder: Path, keys: AuditKeys, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._keys = keys
        self._tell = tell
        self._entries = 0
        self._cleared = ""
        self._faults: list[Fault] = []
        self._read: dict[str, _Read] = {}

    def report(self, checkpoints: list[Checkpoint]) -> Report:
        wanted: defaultdict[str, set[int]] = defaultdict(set)
        for checkpoint in checkpoints:
            wanted[checkpoint.file].add(checkpoint.seq)
        names = [path.name for path in files(self._folder)]
        for name in names:
            self._read[name] = self._file(name, wanted[name])
        self._follow()
        for checkpoint in checkpoints:
            self._compare(checkpoint)
        return Report(
            files=len(names),
            entries=self._entries,
            checkpoints=len(checkpoints),
            faults=tuple(_first_of_each(self._faults)),
            begins=day_of(names[0]) if names else None,
        )

    def _file(self, name: str, wanted: set[int]) -> _Read:
        chain, found = Chain(self._keys.of_file(name)), _Read({})
        for line in lines(self._folder / name):
            if line.is_torn:
                self._torn(name, line.number)
                break
            try:
                members = _followed(chain, line)
            except Broken as error:
                self._faults.append(Fault(name, line.number, str(error)))
                found.is_good = False
                break
            if members.get("action") in OPENED:
                found.ends[chain.seq - 1] = members["prev"]
                about = members.get("about", {})
                found.left += [about] if "after" in about else []
            if chain.seq in wanted:
                found.marks[chain.seq] = chain.hash
            self._count(name, members)
        found.seq, found.ends[chain.seq] = chain.seq, chain.hash
        return found

    def _torn(self, name: str, number: int) -> None:
        """A process that is writing now will end its line."""
        if not is_live(self._folder / name):
            text = "it is cut: its process ended while it wrote, or its end was taken away"
            self._faults.append(Fault(name, number, text))

    def _count(self, name: str, members: Mapping[str, Any]) -> None:
        self._entries += 1
        if members.get("action") == CLEARED:
            self._cleared = max(self._cleared, str(members.get("about", {}).get("before", "")))
        if self._entries % OFTEN == 0:
            self._tell(f"{self._entries} entries, now {name}")

    def _follow(self) -> None:
        """What the entries with which a process came to a file say of the file that it left: it
        ends there, or a process came to it again there, as after the clock was set back."""
        for name, read in self._read.items():
            for told in read.left:
                self._ended(name, told["after"], told["after_seq"], told["after_hash"])

    def _ended(self, name: str, other: str, seq: int, hash_: str) -> None:
        read = self._read.get(other)
        if read is None:
            self._missing(other, f"{name} follows it, and it is not there")
        elif read.is_good and read.ends.get(seq) != hash_:
            text = f"it ended with entry {seq}, as {name} says, and does not now"
            self._faults.append(Fault(other, min(seq, read.seq) + 1, text))

    def _compare(self, checkpoint: Checkpoint) -> None:
        name, read = checkpoint.file, self._read.get(checkpoint.file)
        if not checkpoint.is_ours(self._keys):
            self._faults.append(Fault(name, 0, "a checkpoint of it has a wrong seal"))
        elif read is None:
            self._missing(name, "there is a checkpoint of it, and it is not there")
        elif read.is_good and checkpoint.seq > read.seq:
            text = f"it had {checkpoint.seq} entries at {checkpoint.at}: its end is gone"
            self._faults.append(Fault(name, read.seq + 1, text))
        elif read.is_good and read.marks[checkpoint.seq] != checkpoint.entry_hash:
            text = f"it is not the one of the checkpoint at {checkpoint.at}"
            self._faults.append(Fault(name, checkpoint.seq, text))

    def _missing(self, name: str, what: str) -> None:
        """Unless it was cleared, which the log says."""
        if day_of(name) >= self._cleared:
            self._faults.append(Fault(name, 0, what))


def _followed(chain: Chain, line: Line) -> dict[str, Any]:
    """Raises Broken."""
    if line.is_too_long:
        raise Broken("it is longer than any that we write")
    return chain.follow(line.text)


def _first_of_each(faults: Iterable[Fault]) -> list[Fault]:
    first: dict[str, Fault] = {}
    for fault in faults:
        kept_ = first.setdefault(fault.file, fault)
        if fault.line < kept_.line:
            first[fault.file] = fault
    return [first[name] for name in sorted(first)]
