"""Files for bills on their way: they read as any file does, and hold nothing that can be read."""

from __future__ import annotations

import gzip
import io
import os
import random
import zipfile
from typing import Any, BinaryIO

import pytest

from connectors.hidden_file import BUFFER, hidden_file

TEXT = b"6222021234567890,oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,SO-1001\n" * 50


def on_disk(file: BinaryIO) -> bytes:
    """What lies in the file itself; it has no name to open it by."""
    file.flush()
    raw: Any = file
    handle = raw.raw._file.fileno()
    return os.pread(handle, os.fstat(handle).st_size, 0)


def test_nothing_that_is_written_can_be_read_on_the_disk() -> None:
    with hidden_file() as file:
        file.write(TEXT)
        lying = on_disk(file)
        assert len(lying) == len(TEXT)
        assert b"6222021234567890" not in lying
        assert b"SO-1001" not in lying
        # The same text again looks otherwise, within the file and in another one.
        assert lying[:57] != lying[57:114]
        with hidden_file() as other:
            other.write(TEXT)
            assert on_disk(other) != lying
        file.seek(0)
        assert file.read() == TEXT


def test_it_reads_at_any_place_as_any_file_does() -> None:
    chance = random.Random(7)
    content = chance.randbytes(3 * BUFFER + 77)
    with hidden_file() as file, io.BytesIO() as plain:
        for start in range(0, len(content), 4093):
            assert file.write(content[start : start + 4093]) == plain.write(
                content[start : start + 4093]
            )
        for _ in range(300):
            place, size = chance.randrange(len(content) + 50), chance.randrange(9000)
            assert file.seek(place) == plain.seek(place)
            assert file.read(size) == plain.read(size)
            assert file.tell() == plain.tell()
        assert file.seek(-33, io.SEEK_END) == plain.seek(-33, io.SEEK_END)
        assert file.read() == plain.read()


def test_lines_zips_and_gzips_are_read_out_of_it() -> None:
    with hidden_file() as file:
        file.write(TEXT)
        file.seek(0)
        assert list(file) == TEXT.splitlines(keepends=True)
    with hidden_file() as file:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("bill.csv", TEXT)
        file.write(packed.getvalue())
        with zipfile.ZipFile(file) as found:
            assert found.read("bill.csv") == TEXT
    with hidden_file() as file:
        file.write(gzip.compress(TEXT))
        file.seek(0)
        assert gzip.GzipFile(fileobj=file).read() == TEXT


def test_a_download_that_begins_again_has_another_key() -> None:
    with hidden_file() as file:
        file.write(TEXT)
        first = on_disk(file)
        file.seek(0)
        file.truncate()
        assert on_disk(file) == b""
        file.write(TEXT)
        again = on_disk(file)
        assert again != first
        assert bytes(a ^ b for a, b in zip(first, again, strict=True)) != bytes(len(first))
        file.seek(0)
        assert file.read() == TEXT


def test_no_place_is_enciphered_twice() -> None:
    with hidden_file() as file:
        file.write(TEXT)
        file.flush()
        under: Any = file
        under.raw.seek(3)
        with pytest.raises(io.UnsupportedOperation, match="only at the end"):
            under.raw.write(b"x")
        with pytest.raises(io.UnsupportedOperation, match="only to nothing"):
            file.truncate(5)
