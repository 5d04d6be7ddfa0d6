"""What is wrong with a request's credentials, and exactly how that is answered.

    Fault
    ├── NoCredentials      401, a challenge without an error code (RFC 6750 section 3)
    ├── InvalidRequest     400 invalid_request: malformed, or sent in two ways at once
    ├── InvalidToken       401 invalid_token: forged, expired, revoked, for somebody else
    ├── InvalidProof       401 invalid_dpop_proof (RFC 9449 section 7.1)
    ├── NonceNeeded        401 use_dpop_nonce, with the nonce to use (RFC 9449 section 9)
    ├── InsufficientScope  403 insufficient_scope, naming the scopes that are needed
    ├── WrongKey           401 Basic: an API key that is unknown or wrong
    ├── TooManyFailures    429: somebody is guessing
    └── Unavailable        503: it cannot be judged now, so it is refused

`reason` is for our log: it never holds a token, a secret or a claim's value. A client is told the
code and a fixed sentence.
"""

from __future__ import annotations

from typing import ClassVar


class Fault(Exception):
    """`scheme` is that of the credential (`Bearer`, `DPoP`, `Basic`), None if there was none."""

    status: ClassVar[int] = 401
    error: ClassVar[str | None] = None
    sentence: ClassVar[str] = "The credentials are refused."
    retry_after: int | None = None

    def __init__(self, reason: str, scheme: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.scheme = scheme


class NoCredentials(Fault):
    sentence = "Send an access token."


class InvalidRequest(Fault):
    status = 400
    error = "invalid_request"
    sentence = "The credentials are malformed, or sent in more than one way."


class InvalidToken(Fault):
    error = "invalid_token"
    sentence = "The access token is not valid."


class InvalidProof(Fault):
    error = "invalid_dpop_proof"
    sentence = "The DPoP proof is not valid."


class NonceNeeded(Fault):
    error = "use_dpop_nonce"
    sentence = "A DPoP proof must carry the nonce given here."

    def __init__(self, nonce: str) -> None:
        super().__init__("a proof without the current nonce", "DPoP")
        self.nonce = nonce


class InsufficientScope(Fault):
    status = 403
    error = "insufficient_scope"
    sentence = "The access token does not grant enough."

    def __init__(self, needed: frozenset[str], scheme: str | None) -> None:
        super().__init__("a scope that every token needs is missing", scheme)
        self.needed = needed


class WrongKey(Fault):
    sentence = "The API key is not valid."


class TooManyFailures(Fault):
    status = 429
    sentence = "Too many failures: wait."

    def __init__(self, seconds: int, scheme: str | None = None) -> None:
        super().__init__("too many failures", scheme)
        self.retry_after = seconds


class Unavailable(Fault):
    status = 503
    sentence = "Credentials cannot be checked now."
    retry_after = 5
