"""Idempotency keys: the first answer is given again for a day.

https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.stripe.errors import StripeError

KEPT_SECONDS = 86_400
LONGEST = 255
DIFFERENT = (
    "Keys for idempotent requests can only be used with the same parameters they were first used "
    "with. Try using a key other than '{key}' if you meant to execute a different request."
)
CONCURRENT = (
    "There is currently another in-progress request using this Idempotent Key (that probably means "
    "you submitted twice, and the other request is still going through): {key}. Please try again "
    "later."
)


@dataclass(slots=True)
class Kept:
    """A request seen under a key, and its answer once there is one."""

    fingerprint: tuple[str, str]
    since: float
    request_id: str
    status: int | None = None
    body: bytes = b""


class Keys:
    """The keys in use, per account."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Kept] = {}

    def begin(
        self, account: str, key: str, fingerprint: tuple[str, str], now: float, request_id: str
    ) -> Kept | None:
        """The answer to give again, or None after taking the key for this request."""
        if len(key) > LONGEST:
            raise StripeError(400, f"Idempotency-Key is too long: at most {LONGEST} characters.")
        kept = self.kept.get((account, key))
        if kept is None or now - kept.since > KEPT_SECONDS:
            self.kept[account, key] = Kept(fingerprint, now, request_id)
            return None
        if kept.fingerprint != fingerprint:
            raise StripeError(400, DIFFERENT.format(key=key), kind="idempotency_error")
        if kept.status is None:
            raise StripeError(
                409,
                CONCURRENT.format(key=key),
                kind="idempotency_error",
                code="idempotency_key_in_use",
            )
        return kept

    def finish(self, account: str, key: str, status: int, body: bytes) -> None:
        kept = self.kept[account, key]
        kept.status, kept.body = status, body

    def release(self, account: str, key: str) -> None:
        """Nothing is kept of a request that never began."""
        self.kept.pop((account, key), None)
