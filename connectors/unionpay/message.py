"""UnionPay's messages on the wire, and the digest of them that is signed.

A message is `name=value` pairs joined with `&`. Requests are url-encoded forms, answers are raw:
base64 with its `+` and `=`, a certificate with its line ends, Chinese text, and values in braces
or brackets that hold `&` and `=` of their own. What is signed is the lower-case hex SHA-256 of
the pairs in ASCII order of their names, without `signature` and without empty values; the RSA
signature hashes that hex text once more (open.unionpay.com, 平台接入接口规范).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from mmap import mmap

_MARKS = re.compile(rb"[&{}\[\]]")
_NAME = re.compile(rb"[A-Za-z0-9_]{1,64}")
PIECE = 1 << 20
MOST_FIELDS = 200
SIGNATURE = "signature"

Raw = bytes | mmap


def digest(fields: Mapping[str, str]) -> bytes:
    """What a request's signature is made of."""
    signed = sorted((name, value) for name, value in fields.items() if value)
    content = "&".join(f"{name}={value}" for name, value in signed if name != SIGNATURE)
    return sha256(content.encode()).hexdigest().encode()


class Message:
    """An answer as it came. Values are cut out of it when they are asked for, so that one that
    holds a file is never held twice. Raises ValueError for what is not a message.
    """

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._values: dict[str, tuple[int, int]] = {}
        for start, end in _spans(raw):
            equals = raw.find(b"=", start, end)
            name = _NAME.fullmatch(raw, start, max(start, equals))
            if name is None:
                raise ValueError("a field without a name")
            self._add(name.group().decode(), equals + 1, end)

    def _add(self, name: str, start: int, end: int) -> None:
        if name in self._values or len(self._values) >= MOST_FIELDS:
            raise ValueError("a field that comes twice, or too many fields")
        self._values[name] = start, end

    def text(self, name: str) -> str:
        """The value, "" for a field that is not there. Bytes that are not UTF-8 are U+FFFD."""
        start, end = self._values.get(name, (0, 0))
        return self._raw[start:end].decode("utf-8", "replace")

    def pieces(self, name: str, size: int = PIECE) -> Iterator[bytes]:
        """The value in pieces of `size` bytes."""
        start, end = self._values.get(name, (0, 0))
        for at in range(start, end, size):
            yield self._raw[at : min(at + size, end)]

    def fields(self, *, without: frozenset[str]) -> dict[str, str]:
        """All values but some."""
        return {name: self.text(name) for name in self._values if name not in without}

    def digest(self) -> bytes:
        """What the answer's signature is made of, from the very bytes that came."""
        signed = sorted(n for n, (start, end) in self._values.items() if start < end)
        content = sha256()
        with memoryview(self._raw) as view:
            for index, name in enumerate(n for n in signed if n != SIGNATURE):
                content.update(f"{'&' if index else ''}{name}=".encode())
                with view[slice(*self._values[name])] as value:
                    content.update(value)
        return content.hexdigest().encode()


def inner(value: str) -> dict[str, str]:
    """The fields of a value in braces: `{numberOfInstallments=3&...}`. Raises ValueError."""
    return Message(value.strip("{}").encode()).fields(without=frozenset())


def _spans(raw: Raw) -> Iterator[tuple[int, int]]:
    """Where each pair stands: `&` divides them, but not inside of braces and brackets."""
    depth = start = 0
    for mark in _MARKS.finditer(raw):
        if mark.group() in b"{[":
            depth += 1
        elif mark.group() in b"}]":
            depth = max(0, depth - 1)
        elif not depth:
            yield start, mark.start()
            start = mark.end()
    yield start, len(raw)
