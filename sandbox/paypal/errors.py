"""PayPal's error bodies. https://developer.paypal.com/api/rest/responses/"""

from __future__ import annotations

from typing import Any

import msgspec

from sandbox.simulator import Answer

DEBUG_ID = "90957fca61718"
MESSAGES = {
    "INVALID_REQUEST": (
        400,
        "Request is not well-formed, syntactically incorrect, or violates schema.",
    ),
    "RESULTSET_TOO_LARGE": (
        400,
        "Result set size is greater than the maximum limit. Change the filter criteria and try"
        " again.",
    ),
    "NOT_AUTHORIZED": (403, "Authorization failed due to insufficient permissions."),
    "RESOURCE_NOT_FOUND": (404, "The specified resource does not exist."),
    "METHOD_NOT_SUPPORTED": (405, "The server does not implement the requested HTTP method."),
    "RESOURCE_CONFLICT": (409, "The server has detected a conflict while processing this request."),
    "UNSUPPORTED_MEDIA_TYPE": (
        415,
        "The server does not support the request payload's media type.",
    ),
    "UNPROCESSABLE_ENTITY": (
        422,
        "The requested action could not be performed, semantically incorrect, or failed business"
        " validation.",
    ),
    "RATE_LIMIT_REACHED": (429, "Too many requests. Blocked due to rate limiting."),
    "INTERNAL_SERVER_ERROR": (500, "An internal server error occurred."),
    "SERVICE_UNAVAILABLE": (503, "Service Unavailable."),
}
NOT_YET = "Data for the given start date is not available."
NAMES = {status: name for name, (status, _) in MESSAGES.items() if name != "RESULTSET_TOO_LARGE"}


class PaypalError(Exception):
    """An error as PayPal answers it; `more` goes into the body as it is."""

    def __init__(
        self,
        name: str,
        issue: str | None = None,
        *,
        field: str | None = None,
        message: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(name, issue)
        self.status, usual = MESSAGES[name]
        detail = {"field": field, "issue": issue, "description": issue}
        self.content: dict[str, Any] = {
            "name": name,
            "message": message or usual,
            "debug_id": DEBUG_ID,
            "details": [{k: v for k, v in detail.items() if v}] if issue else [],
            "links": [],
        } | more


class LoginError(PaypalError):
    """An error in the form of RFC 6749 and 6750."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__("INVALID_REQUEST")
        self.status = status
        self.content = {"error": error, "error_description": description}


def missing() -> PaypalError:
    return PaypalError("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")


def invalid(field: str, issue: str = "INVALID_PARAMETER_VALUE") -> PaypalError:
    return PaypalError("INVALID_REQUEST", issue, field=field)


def refused(issue: str, field: str | None = None) -> PaypalError:
    return PaypalError("UNPROCESSABLE_ENTITY", issue, field=field)


def bad_token() -> PaypalError:
    return LoginError(401, "invalid_token", "The token passed in was not found in the system")


def error_answer(status: int) -> Answer:
    """PayPal's own body for an injected fault."""
    name = NAMES.get(status, "INTERNAL_SERVER_ERROR" if status >= 500 else "INVALID_REQUEST")
    error = bad_token() if status == 401 else PaypalError(name)
    return answer(status, error.content)


def answer(status: int, content: Any) -> Answer:
    headers = (("Paypal-Debug-Id", DEBUG_ID),)
    return Answer(status, msgspec.json.encode(content), "application/json", headers)
