"""The errors of the REST API: an HTTP status and an array with one message."""

from __future__ import annotations

from typing import Any

CUSTOM_FIELD = (
    " If you are attempting to use a custom field, be sure to append the '__c' after the custom"
    " field name. Please reference your WSDL or the describe call for the appropriate names."
)
CUSTOM_RELATION = (
    " If you are attempting to use a custom relationship, be sure to append the '__r' after the"
    " custom relationship name. Please reference your WSDL or the describe call for the"
    " appropriate names."
)
CUSTOM_OBJECT = (
    " If you are attempting to use a custom object, be sure to append the '__c' after the entity"
    " name. Please reference your WSDL or the describe call for the appropriate names."
)
WINDOW = 60


class ApiError(Exception):
    """A refusal as the API words it."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    @property
    def body(self) -> Any:
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields:
            entry["fields"] = list(self.fields)
        return [entry]


class ManyRecords(ApiError):
    """An external id that several records have: the body is the list of their urls."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__(300, "MULTIPLE_CHOICES", "several records have this external id")
        self.urls = urls

    @property
    def body(self) -> Any:
        return self.urls


def at(soql: str, position: int, text: str) -> str:
    """A message with the part of the query it is about, and a caret under the place."""
    row = soql.count("\n", 0, position) + 1
    line_start = soql.rfind("\n", 0, position) + 1
    line_end = soql.find("\n", position)
    start = max(line_start, position - WINDOW)
    end = min(len(soql) if line_end < 0 else line_end, position + WINDOW)
    column = position - line_start + 1
    caret = " " * (position - start) + "^"
    return f"\n{soql[start:end]}\n{caret}\nERROR at Row:{row}:Column:{column}\n{text}"


def malformed(soql: str, position: int, text: str) -> ApiError:
    return ApiError(400, "MALFORMED_QUERY", at(soql, position, text))


def unknown_column(name: str, entity: str) -> str:
    return f"No such column '{name}' on entity '{entity}'.{CUSTOM_FIELD}"


def unknown_object(name: str) -> str:
    return f"sObject type '{name}' is not supported.{CUSTOM_OBJECT}"


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    return ApiError(404, "NOT_FOUND", message)


def malformed_id(text: str) -> ApiError:
    return ApiError(400, "MALFORMED_ID", f"malformed id {text}", ("Id",))
