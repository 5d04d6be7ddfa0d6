"""What is said at our own endpoints: a form in, a reply or an error out (RFC 6749 section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from auth.credentials import Asked
from auth.faults import Fault


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A POST to one of our endpoints: the request and the fields of its form, each once."""

    asked: Asked
    fields: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str | None:
        """A field that may be given once; empty is as if it were not (RFC 6749 section 3.1)."""
        values = self.fields.get(name, ())
        if len(values) > 1:
            raise OAuthError("invalid_request", f"{name} is given more than once")
        return (values[0] or None) if values else None


class OAuthError(Exception):
    """`error` is a registered code, `description` a fixed sentence of ours."""

    def __init__(
        self, error: str, description: str, status: int = 400, headers: Mapping[str, str] = {}
    ) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description
        self.status = status
        self.headers = dict(headers)


class Reply(msgspec.Struct, frozen=True):
    """`body` None is an empty one. `token_id` is the `jti` of the token that it is about."""

    status: int
    body: Mapping[str, Any] | None
    headers: Mapping[str, str] = {}
    token_id: str | None = None


def refused(error: OAuthError) -> Reply:
    body = {"error": error.error, "error_description": error.description}
    return Reply(error.status, body, error.headers)


def from_fault(fault: Fault) -> OAuthError:
    """A fault of a proof or of the store, told as an authorization server tells it."""
    headers = {}
    if fault.retry_after is not None:
        headers["retry-after"] = str(fault.retry_after)
    if (nonce := getattr(fault, "nonce", None)) is not None:
        headers["dpop-nonce"] = str(nonce)
    codes = {429: "slow_down", 503: "temporarily_unavailable"}
    status = fault.status if fault.status in codes else 400
    error = codes.get(fault.status) or fault.error or "invalid_request"
    return OAuthError(error, fault.sentence, status, headers)
