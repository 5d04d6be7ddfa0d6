"""From the answer that holds a settlement file to the file's members.

`fileContent` is base64 of a zlib stream of a zip, whose members are named
`INN<yymmdd>88ZM_<merId>` (all transactions) and `...ZME_<merId>` (corrections). Sizes are bounded
at every layer, and nothing large is held in memory.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import msgspec

MOST_PACKED = 1 << 30
MOST_UNPACKED = 2 << 30
MOST_MEMBERS = 50
PIECE = 1 << 20
LONGEST_LINE = 4096
ENCRYPTED = 0x1
"""A member's flag bit."""
_BROKEN = (BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError, OverflowError)
"""What the library raises for bytes that are not what a zip has there: it seeks where offsets
say, decodes names, and refuses versions and methods that it does not know.
"""
_TRANSACTIONS = re.compile(r"(?:.*/)?IN[A-Z]([0-9]{6})[0-9]{0,2}ZM_([A-Za-z0-9]{15})(?:\.txt)?")


class Damaged(ValueError):
    """A file that is not what UnionPay documents; says what, in our words."""


class Member(msgspec.Struct, frozen=True):
    """A file of transactions: where it is, its day and its merchant."""

    archive: ZipFile
    info: ZipInfo
    day: date
    merchant_id: str

    def lines(self) -> Iterator[bytes]:
        """Of one that is longer than any row comes the beginning, of `LONGEST_LINE` bytes."""
        try:
            with self.archive.open(self.info) as content:
                while line := content.readline(LONGEST_LINE):
                    yield line
                    while line and not line.endswith(b"\n"):
                        line = content.readline(LONGEST_LINE)
        except _BROKEN:
            raise Damaged("a member cannot be read, or its checksum is wrong") from None


def unpack(pieces: Iterable[bytes], sink: BinaryIO) -> None:
    """Writes the zip that is in base64 `pieces`, each a multiple of four long but the last."""
    size = 0
    try:
        for part in _inflated(pieces):
            if (size := size + len(part)) > MOST_PACKED:
                raise Damaged("the file is too large")
            sink.write(part)
    except Base64Error:
        raise Damaged("the file is not base64") from None
    except zlib.error:
        raise Damaged("the file cannot be inflated") from None


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    engine = zlib.decompressobj()
    for piece in pieces:
        packed = b64decode(piece, validate=True)
        while packed and not engine.eof:
            yield engine.decompress(packed, PIECE)
            packed = engine.unconsumed_tail
    if not engine.eof:
        raise Damaged("the file breaks off")


def opened(archive: BinaryIO) -> ZipFile:
    """The zip, once it is known how large its members can get."""
    try:
        found = ZipFile(archive, metadata_encoding="gb18030")
    except _BROKEN:
        raise Damaged("the file is not a zip that can be read") from None
    members = found.infolist()
    if len(members) > MOST_MEMBERS or sum(m.file_size for m in members) > MOST_UNPACKED:
        raise Damaged("the file unpacks to too much")
    return found


def transactions(archive: ZipFile) -> list[Member]:
    """The members that list transactions. Corrections (ZME) are left: they hold neither an order
    number nor a queryId, so that nothing could be joined by them.
    """
    members = [
        Member(archive, info, _day(name[1]), name[2])
        for info in archive.infolist()
        if (name := _TRANSACTIONS.fullmatch(info.filename))
    ]
    if not members:
        raise Damaged("the zip holds no file of transactions")
    if any(not _is_plain(member.info) for member in members):
        raise Damaged("a member is encrypted, or packed in an unusual way")
    return members


def _is_plain(info: ZipInfo) -> bool:
    return info.compress_type in (ZIP_STORED, ZIP_DEFLATED) and not info.flag_bits & ENCRYPTED


def _day(digits: str) -> date:
    try:
        return datetime.strptime(digits, "%y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise Damaged("a member is named after no day") from None
