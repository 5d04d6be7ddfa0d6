"""A temporary file that nobody can read from the disk: bills hold who paid, and are unpacked there.

Everything is enciphered (AES-256-CTR, so that it can be read at any place) under a key that is in
memory only and gone with the file. The file has no name from its first moment, so nobody else can
write to it: its content is kept secret, not proven.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import BinaryIO, cast

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

BLOCK = 16
BUFFER = 256 * 1024


def hidden_file() -> BinaryIO:
    """As `tempfile.TemporaryFile()`: for writing at its end, and for reading anywhere."""
    return cast(BinaryIO, io.BufferedRandom(_Hidden(), BUFFER))


class _Hidden(io.RawIOBase):
    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="tillgate-", buffering=0)  # noqa: SIM115
        self._key = os.urandom(32)
        self._size = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        place = self._file.tell()
        content = self._file.read(len(view)) or b""
        view[: len(content)] = self._ciphered(content, place)
        return len(content)

    def write(self, content: object) -> int:
        """At the end only: what stood at a place is never enciphered there again."""
        view = memoryview(content).cast("B")  # type: ignore[arg-type]
        if (place := self._file.tell()) != self._size:
            raise io.UnsupportedOperation("only at the end")
        try:
            written = self._file.write(self._ciphered(view, place))
        except OSError as error:
            # The file has no name; its folder is what the operator can act on.
            raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from None
        assert written is not None
        self._size += written
        return written

    def truncate(self, size: int | None = None) -> int:
        """To nothing; what comes then has a key of its own."""
        if (self._file.tell() if size is None else size) != 0:
            raise io.UnsupportedOperation("only to nothing")
        self._key, self._size = os.urandom(32), 0
        return self._file.truncate(0)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _ciphered(self, content: bytes | memoryview, place: int) -> bytes:
        """To and fro: what is enciphered twice is plain."""
        block, inside = divmod(place, BLOCK)
        stream = Cipher(AES256(self._key), CTR(block.to_bytes(BLOCK))).encryptor()
        stream.update(bytes(inside))
        return stream.update(content)
