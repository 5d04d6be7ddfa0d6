"""Stripe's error bodies. https://docs.stripe.com/api/errors"""

from __future__ import annotations

from typing import Any

import msgspec

from sandbox.simulator import Answer

DOCS = "https://stripe.com/docs/error-codes/"
REASON = "Stripe-Rate-Limited-Reason"
RATE_LIMIT = (
    "Request rate limit exceeded. Learn more about rate limits here: "
    "https://stripe.com/docs/rate-limits."
)


class StripeError(Exception):
    """An error as Stripe answers it.

    `executed` tells that the endpoint had begun its work: only then is the answer kept under the
    request's idempotency key.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = False,
        headers: tuple[tuple[str, str], ...] = (),
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        self.headers = headers
        error: dict[str, Any] = {"message": message, "type": kind}
        if code is not None:
            error |= {"code": code, "doc_url": DOCS + code.replace("_", "-")}
        if param is not None:
            error["param"] = param
        self.error = error | more

    def body(self, request_id: str = "") -> bytes:
        log = f"https://dashboard.stripe.com/test/logs/{request_id}" if request_id else None
        extra = {"request_log_url": log} if log else {}
        return msgspec.json.encode({"error": self.error | extra})


def missing(noun: str, native_id: str, param: str = "id", status: int = 404) -> StripeError:
    return StripeError(
        status, f"No such {noun}: '{native_id}'", code="resource_missing", param=param
    )


def unknown_parameter(name: str) -> StripeError:
    return StripeError(
        400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name
    )


def missing_parameter(name: str) -> StripeError:
    return StripeError(
        400, f"Missing required param: {name}.", code="parameter_missing", param=name
    )


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    return StripeError(400, message, code=code, param=param)


def refused(message: str, code: str | None = None, **more: Any) -> StripeError:
    """Well-formed, but the state of the object does not allow it."""
    return StripeError(400, message, code=code, executed=True, **more)


def rate_limited(reason: str = "global-rate") -> StripeError:
    """429 with the reason and, as with Stripe, no Retry-After."""
    return StripeError(429, RATE_LIMIT, code="rate_limit", headers=((REASON, reason),))


def error_answer(status: int) -> Answer:
    """Stripe's own body for an injected fault."""
    error = PLAIN.get(status) or StripeError(
        status, "An unknown error occurred", kind="api_error" if status >= 500 else INVALID
    )
    headers = (("Request-Id", "req_sandboxfault0"), *error.headers)
    return Answer(status, error.body(), "application/json", headers)


INVALID = "invalid_request_error"
PLAIN = {
    401: StripeError(401, "Invalid API Key provided: sk_test_****"),
    403: StripeError(403, "The provided key does not have the required permissions."),
    409: StripeError(409, "This object cannot be accessed right now.", code="lock_timeout"),
    429: rate_limited(),
}
