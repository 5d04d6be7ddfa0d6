"""A process of its own that writes a log: `python -m tests.audit.process FOLDER [BYTES]`.

Without BYTES it writes refusals one after the other, each of which it tells on standard output when
it is on the disk, until it is killed. With BYTES no file may become longer: the disk is full, until
a line comes on standard input.
"""

from __future__ import annotations

import itertools
import resource
import sys
from pathlib import Path

from auth.audit.entry import Result
from auth.audit.writer import AuditUnavailable, Writer
from tests.audit.logs import KEYS, event
from tests.waiting import until


def steadily(writer: Writer) -> None:
    for number in itertools.count(1):
        writer.note(event(number, Result.DENIED))
        writer.put(event(number))
        print(number, flush=True)


def on_a_full_disk(writer: Writer, most: int) -> None:
    unlimited = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, unlimited))
    number = 0
    while not writer.refuses:
        number += 1
        try:
            writer.note(event(number, Result.DENIED))
        except AuditUnavailable as error:
            print(number, "refused" if writer.refuses else "open", error, flush=True)
    sys.stdin.readline()
    resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
    until(lambda: writer.is_writing)
    print("again", flush=True)
    writer.close()


if __name__ == "__main__":
    running = Writer(Path(sys.argv[1]), KEYS, "node")
    running.start()
    if len(sys.argv) == 2:
        steadily(running)
    else:
        on_a_full_disk(running, int(sys.argv[2]))
