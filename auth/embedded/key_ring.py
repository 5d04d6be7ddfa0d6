"""The keys that our own tokens are signed with, in a file that only its owner can read.

A key is published `AHEAD` before it signs, twice as long as anybody keeps a key set, and stays
until the last token that it signed has ended: whoever verifies tokens knows every key in time.
Processes share the file: whoever changes it holds its lock, and all read it again when it changed.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from auth.key_cache import NoKeys
from auth.sealing import CannotOpen, Sealer, is_sealed, key_id, open_sealed
from auth.signature import Key

log = logging.getLogger("tillgate.oauth")
ALGORITHM = "ES256"
AHEAD = 2 * 3600
MAX_AGE = 300
"""Seconds for which we let others keep our key set; they take no more than an hour."""
SPARE = 600
"""Seconds beyond a token's life that its key is kept, for clocks that differ."""
PLACE = "file auth.embedded.keys"
"""What is sealed with its content: the file may be moved, but be no other one."""

MOST_KEYS = 20
"""Whoever verifies our tokens may refuse a set of many keys, as we do."""


class KeyFileUnusable(Exception):
    """The file cannot be read or written, is no key file, or others may read it."""


class KeyFileShut(KeyFileUnusable):
    """No key of this process opens the file."""


class _Stored(msgspec.Struct):
    """A private key, and from when it signs, in seconds since 1970."""

    jwk: dict[str, Any]
    use_from: int


class _File(msgspec.Struct):
    keys: list[_Stored]


class KeyRing:
    """`lifetime` of a token and `rotate` of a key in seconds; `wall` is seconds since 1970. With a
    `sealer` the file is sealed; one that is not yet is taken over by `tend`, unless this ring has
    read a sealed one before."""

    def __init__(
        self,
        path: Path,
        *,
        lifetime: int,
        rotate: int,
        wall: Callable[[], float],
        sealer: Sealer | None = None,
        user: Callable[[], int] = os.geteuid,
    ) -> None:
        self._path = path
        self._user = user
        self._lifetime = lifetime
        self._rotate = rotate
        self._wall = wall
        self._sealer = sealer
        self._stamp: tuple[int, int] | None = None
        self._file = _File([])
        self._sealed_with: str | None = None
        self._was_sealed = False
        self._is_early = False
        self._keys: dict[str, ECKey] = {}

    def tend(self) -> None:
        """Makes the first key, adds the next one in time, drops those that are over. Call it at
        start and every minute. Raises KeyFileUnusable."""
        self._read()
        if self._tended(self._file) is None and not self._is_bare:
            return
        with self._locked():
            self._stamp = None
            self._read()
            changed = self._tended(self._file)
            if changed is not None or self._is_bare:
                self._write(changed or self._file)
        self._read()

    def reseal(self) -> bool | None:
        """With the key that seals now; False if it is already, None if there is no file. Raises
        KeyFileUnusable."""
        with self._locked():
            self._stamp = None
            self._read()
            if self._sealer is None or not self._file.keys:
                return None
            if self._sealed_with == self._sealer.current:
                return False
            self._write(self._file)
        self._read()
        return True

    def shut(self) -> str | None:
        """Why no key opens the file; None if one does, or there is no file. Raises KeyFileUnusable
        for any other reason."""
        try:
            self._read()
        except KeyFileShut as error:
            return str(error)
        return None

    def set_aside(self) -> Path | None:
        """Renames a file that is `shut`, so that `tend` makes new keys; returns its new path, or
        None if it is not shut. Raises KeyFileUnusable."""
        with self._locked():
            if self.shut() is None:
                return None
            kept = self._path.with_name(f"{self._path.name}.lost-{int(self._wall())}")
            try:
                os.link(self._path, kept)  # Unlike a rename it replaces no file.
                self._path.unlink()
            except OSError as error:
                raise KeyFileUnusable(f"{kept}: {_why(error)}") from None
        return kept

    @property
    def _is_bare(self) -> bool:
        """Whether the file lies open and should not."""
        return self._sealer is not None and bool(self._keys) and self._sealed_with is None

    def use(self, sealer: Sealer | None) -> None:
        """Opens and seals with other keys from now on. Raises KeyFileUnusable, and keeps those it
        has, if they do not open the file."""
        before = self._sealer
        self._sealer, self._stamp = sealer, None
        try:
            self._read()
        except KeyFileUnusable:
            self._sealer = before
            raise

    @property
    def has_keys(self) -> bool:
        """Whether tokens of this issuer can be judged now."""
        try:
            self._read()
        except KeyFileUnusable:
            return False
        return bool(self._keys)

    def rotate(self) -> str:
        """Publishes a new key now, to be used after `AHEAD`; its id."""
        with self._locked():
            self._stamp = None
            self._read()
            if len(self._file.keys) >= MOST_KEYS:
                raise KeyFileUnusable(f"{self._path}: {MOST_KEYS} keys are published already: wait")
            made = _made(int(self._wall()) + (AHEAD if self._file.keys else 0))
            self._write(_File([*self._file.keys, made]))
        self._read()
        return str(made.jwk["kid"])

    def signing(self) -> ECKey:
        """The newest key whose time has come; if there is none because the clock was set back, the
        one that was published first. Raises KeyFileUnusable."""
        self._read()
        if not self._file.keys:
            raise KeyFileUnusable(f"{self._path}: it holds no key")
        now = self._wall()
        ready = [key for key in self._file.keys if key.use_from <= now]
        first = min(self._file.keys, key=lambda key: key.use_from)
        self._tell_early(int(first.use_from - now))
        return self._keys[max(ready, key=lambda key: key.use_from, default=first).jwk["kid"]]

    def _tell_early(self, seconds: int) -> None:
        """Once each time that the clock is found before the first key's time."""
        if seconds > 0 and not self._is_early:
            fields = {"seconds": seconds, "file": str(self._path)}
            log.warning("the clock is behind the first signing key", extra={"fields": fields})
        self._is_early = seconds > 0

    async def find(self, kid: str | None, alg: str) -> list[Key]:
        """As of an issuer's published keys."""
        try:
            self._read()
        except KeyFileUnusable:
            raise NoKeys from None
        if alg != ALGORITHM:
            return []
        return [key for own, key in self._keys.items() if kid in (None, own)]

    def published(self) -> dict[str, Any]:
        """The key set (RFC 7517), without private parts."""
        self._read()
        return {"keys": [key.as_dict(private=False) for key in self._keys.values()]}

    def _tended(self, file: _File) -> _File | None:
        """The file as it should be, None if it is."""
        now = int(self._wall())
        # Whoever is followed by a key in use signs no more, and ends after its last token.
        keys = sorted(file.keys, key=lambda key: key.use_from)
        kept = [
            key
            for key, after in zip_longest(keys, keys[1:])
            if after is None or after.use_from + self._lifetime + SPARE > now
        ]
        if not kept:
            return _File([_made(now)])
        if kept[-1].use_from + self._rotate - AHEAD <= now:
            kept.append(_made(now + AHEAD))
        return None if kept == keys else _File(kept)

    def _read(self) -> None:
        try:
            told = self._path.stat()
        except FileNotFoundError:
            self._file, self._keys, self._stamp = _File([]), {}, None
            self._sealed_with = None
            return
        except OSError as error:
            raise KeyFileUnusable(f"{self._path}: {_why(error)}") from None
        stamp = (told.st_mtime_ns, told.st_ino)
        if stamp == self._stamp:
            return
        if told.st_uid != self._user():
            raise KeyFileUnusable(f"{self._path}: another user owns it")
        if told.st_mode & 0o077:
            raise KeyFileUnusable(f"{self._path}: others may read it; chmod 600")
        try:
            content = self._path.read_bytes()
            sealed_with = key_id(content) if is_sealed(content) else None
            if sealed_with is not None:
                content = open_sealed(content, PLACE, self._sealer)
            elif self._was_sealed:
                raise CannotOpen("it was sealed and is not any more: somebody put another one here")
            file = msgspec.json.decode(content, type=_File)
            self._keys = {key.jwk["kid"]: ECKey.import_key(dict(key.jwk)) for key in file.keys}
        except CannotOpen as error:
            raise KeyFileShut(f"{self._path}: {error}") from None
        except (OSError, msgspec.DecodeError, JoseError, ValueError, KeyError) as error:
            raise KeyFileUnusable(f"{self._path}: {_why(error)}") from None
        self._file, self._stamp, self._sealed_with = file, stamp, sealed_with
        self._was_sealed = self._was_sealed or sealed_with is not None

    def _write(self, file: _File) -> None:
        """Whole or not at all; never readable by others, not even for a moment."""
        content = msgspec.json.encode(file)
        if self._sealer is not None:
            content = self._sealer.seal(content, PLACE)
        beside = self._path.with_name(self._path.name + ".new")
        try:
            beside.unlink(missing_ok=True)
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            beside.replace(self._path)
        except OSError as error:
            raise KeyFileUnusable(f"{self._path}: {_why(error)}") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._path.with_name(self._path.name + ".lock")
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise KeyFileUnusable(f"{self._path}: {_why(error)}") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _made(use_from: int) -> _Stored:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    return _Stored(dict(key.as_dict(private=True)), use_from)


def _why(error: Exception) -> str:
    """The system's word, such as `No space left on device`, or the type of what was raised."""
    return getattr(error, "strerror", None) or type(error).__name__
