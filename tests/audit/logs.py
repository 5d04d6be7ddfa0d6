"""Logs on the disk for tests: written by the real writer, verified by the real verifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auth.audit.disk import Disk
from auth.audit.entry import Entry, Event, Origin, Result, Who
from auth.audit.keys import AuditKeys
from auth.audit.reading import entries, files
from auth.audit.verify import Report, verify
from auth.audit.writer import Writer
from connectors.secret import Secret
from gateway.audit_settings import AuditSettings

SECRET = "s" * 32
KEYS = AuditKeys(SECRET.encode())
NOON = 1_763_899_200_000_000_000
"""2025-11-23 12:00 UTC, in nanoseconds."""
DAY = 86_400 * 10**9


class Clock:
    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def __call__(self) -> int:
        self.at += 1000
        return self.at


def event(number: int = 0, outcome: Result = Result.ALLOWED) -> Event:
    who = Who(iss="https://as", client_id="shop", sub=f"user {number}")
    return Event(action="query", origin=Origin.GRAPHQL, outcome=outcome, principal=who)


def write(
    folder: Path,
    count: int,
    clock: Clock | None = None,
    node: str = "node",
    disk: Disk | None = None,
) -> None:
    """A process's log with so many events, from its start to its end."""
    writer = Writer(folder, KEYS, node, wall=clock or Clock(), disk=disk)
    writer.start()
    for number in range(count):
        writer.put(event(number))
    writer.close()


def told(folder: Path) -> list[Entry]:
    return [entry for path in files(folder) for entry in entries(path)]


def actions(folder: Path) -> list[str]:
    return [entry.action for entry in told(folder)]


def faults(folder: Path) -> list[str]:
    return [str(fault) for fault in report(folder).faults]


def report(folder: Path) -> Report:
    return verify(folder, KEYS)


def only_file(folder: Path) -> Path:
    (path,) = files(folder)
    return path


def settings(folder: Path, **changes: Any) -> AuditSettings:
    return AuditSettings(key=Secret(SECRET), folder=str(folder), node="node", **changes)
