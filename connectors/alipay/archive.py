"""A bill's zip: its CSV files of details, line by line, without ever holding one as a whole.

Names are GBK without the flag that would say so, which `zipfile` shows as code page 437; texts
are GBK. Everything is bounded: what a zip claims costs nothing to claim.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import IO, BinaryIO

from connectors.alipay.amounts import Misfit

MEMBERS = 50
UNPACKED = 2 * 1024**3
LINE = 64 * 1024
UTF8_NAME = 0x800
ENCRYPTED = 0x1
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
SUMMARY = "汇总"
# An offset that is none is a ValueError of `seek`; NotImplementedError is a RuntimeError.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError)
# GBK's successor reads all that GBK wrote.
CODEC = "gb18030"

Lines = Iterator[tuple[int, str]]
"""Numbered from 1, without their ends."""


def details(file: BinaryIO) -> Iterator[Lines]:
    """The lines of each file of details. Raises Misfit for what is no bill, or no whole one."""
    with _told(), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check(members)
        wanted = [m for m in members if SUMMARY not in _name(m) and not m.is_dir()]
        if not wanted:
            raise Misfit("no file of details in the zip")
        for member in wanted:
            with archive.open(member) as content:
                yield _lines(content)


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with a zip, in our words. It is not signed: any of its bytes may be wrong."""
    try:
        yield
    except Misfit:
        raise
    except DAMAGE:
        raise Misfit("the zip is damaged") from None


def _check(members: list[zipfile.ZipInfo]) -> None:
    """A member is never read beyond the size it claims, so the claims are what is to be bounded."""
    if len(members) > MEMBERS or sum(m.file_size for m in members) > UNPACKED:
        raise Misfit("the zip is too large")
    if any(m.flag_bits & ENCRYPTED for m in members):
        raise Misfit("the zip is encrypted")
    if any(m.compress_type not in PACKINGS for m in members):
        raise Misfit("the zip is packed otherwise than Alipay does")


def _name(member: zipfile.ZipInfo) -> str:
    if member.flag_bits & UTF8_NAME:
        return member.filename
    return member.filename.encode("cp437").decode(CODEC, "replace")


def _lines(content: IO[bytes]) -> Lines:
    # A letter that was cut short, as texts of the merchant may be, costs no other one.
    text = io.TextIOWrapper(content, CODEC, errors="replace")
    for number in count(1):
        with _told():
            line = text.readline(LINE)
        if not line:
            return
        if len(line) == LINE and not line.endswith("\n"):
            raise Misfit("followed by one that is too long")
        yield number, line.rstrip("\r\n")
