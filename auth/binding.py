"""Tokens that only their owner can use: what a token is bound to, and what the request proved.

RFC 9449 (DPoP, `cnf.jkt`) and RFC 8705 (mutual TLS, `cnf.x5t#S256`).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from auth.faults import InvalidToken

JKT = "jkt"
X5T = "x5t#S256"


class Bound(msgspec.Struct, frozen=True):
    """Thumbprints of the key and of the certificate that a token is bound to. `strange` is a
    binding that is not understood: such a token is nobody's."""

    key: str | None = None
    certificate: str | None = None
    strange: bool = False


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """How a token came: its scheme (`Bearer` or `DPoP`), the thumbprint of the key that signed the
    proof, that of the client's certificate, and the address that the connection is from."""

    scheme: str
    key: str | None = None
    certificate: str | None = None
    peer: str = ""


def bound(claims: Mapping[str, Any]) -> Bound:
    """The `cnf` claim (RFC 7800)."""
    cnf = claims.get("cnf")
    if cnf is None:
        return Bound()
    if not isinstance(cnf, Mapping) or not cnf.keys() <= {JKT, X5T} or not cnf:
        return Bound(strange=True)
    if not all(isinstance(value, str) and value for value in cnf.values()):
        return Bound(strange=True)
    return Bound(cnf.get(JKT), cnf.get(X5T))


def check_binding(to: Bound, by: Presented, needed: bool) -> None:
    """Raises InvalidToken unless the request proved every key that the token is bound to.

    A token bound to a key is refused as plain Bearer, and one that is bound to none under the DPoP
    scheme (RFC 9449 section 7.1). `needed` refuses tokens that are bound to nothing.
    """
    if to.strange:
        raise InvalidToken("bound in a way that is not understood", by.scheme)
    if (to.key is not None) != (by.scheme == "DPoP"):
        raise InvalidToken("bound to a key and sent without a proof, or the reverse", by.scheme)
    for expected, given in ((to.key, by.key), (to.certificate, by.certificate)):
        if expected is not None and not _same(expected, given):
            raise InvalidToken("bound to another key or certificate", by.scheme)
    if needed and to.key is None and to.certificate is None:
        raise InvalidToken("bound to nothing, which this profile demands", by.scheme)


def _same(expected: str, given: str | None) -> bool:
    return given is not None and hmac.compare_digest(expected.encode(), given.encode())
