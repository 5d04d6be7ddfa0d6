"""HubSpot's error bodies. https://developers.hubspot.com/docs/api/error-handling"""

from __future__ import annotations

from typing import Any

import msgspec

from sandbox.simulator import Answer

CORRELATION = "a43683b0-5717-4ceb-80b4-104d02915d8c"
JSON = "application/json;charset=utf-8"
STATUSES = {
    "VALIDATION_ERROR": 400,
    "INVALID_AUTHENTICATION": 401,
    "EXPIRED_AUTHENTICATION": 401,
    "MISSING_SCOPES": 403,
    "OBJECT_NOT_FOUND": 404,
    "RATE_LIMITS": 429,
}
WORDS = {status: word for word, status in STATUSES.items() if word != "EXPIRED_AUTHENTICATION"}
POLICIES = {"SECONDLY": "secondly", "TEN_SECONDLY_ROLLING": "ten_secondly_rolling"} | {
    "DAILY": "daily"
}


class HubspotError(Exception):
    """A refusal, in HubSpot's own form."""

    def __init__(self, category: str, message: str, status: int | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status = status or STATUSES[category]
        self.content = {
            "status": "error",
            "message": message,
            "correlationId": CORRELATION,
            "category": category,
            **more,
        }


class TooMany(HubspotError):
    def __init__(self, policy: str) -> None:
        super().__init__("RATE_LIMITS", f"You have reached your {POLICIES[policy]} limit.")
        del self.content["category"]
        self.content |= {"errorType": "RATE_LIMIT", "policyName": policy}


def invalid(message: str) -> HubspotError:
    return HubspotError("VALIDATION_ERROR", message)


def answer(status: int, content: Any, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    tracing = ("x-hubspot-correlation-id", CORRELATION)
    return Answer(status, msgspec.json.encode(content), JSON, (tracing, *headers))


def error_answer(status: int) -> Answer:
    """The body of an injected fault."""
    if status == 429:
        return answer(429, TooMany("TEN_SECONDLY_ROLLING").content)
    word = WORDS.get(status, "INTERNAL_ERROR")
    return answer(status, HubspotError(word, "internal error", status).content)
