"""One request and its answer, whether it came over HTTP or inside a composite."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from sandbox.salesforce.errors import ApiError
from sandbox.simulator import Answer

ENCODER = msgspec.json.Encoder(decimal_format="number")
JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Call:
    """`path` is split at its slashes and decoded; `headers` have lower-case names."""

    method: str
    path: tuple[str, ...]
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None

    @property
    def base(self) -> str:
        """The path of the version that was asked for; urls in the answer start with it."""
        return "/" + "/".join(self.path[:3])

    def record(self) -> dict[str, Any]:
        """The body, which has to be an object."""
        if not isinstance(self.body, dict):
            raise parser_error("Unexpected end-of-input: was expecting an object")
        return self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and what to encode; no body at all when `body` is None."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = field(default=())

    def answer(self) -> Answer:
        encoded = b"" if self.body is None else ENCODER.encode(self.body)
        return Answer(self.status, encoded, JSON_TYPE, self.headers)


def split_path(path: str) -> tuple[str, ...]:
    return tuple(unquote(part) for part in path.strip("/").split("/"))


def split_query(text: str) -> dict[str, str]:
    """Form encoding: a plus sign is a space."""
    return dict(parse_qsl(text, keep_blank_values=True))


def decoded(body: bytes) -> Any:
    """A JSON body with its numbers exact; None when there is none."""
    if not body:
        return None
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError as error:
        raise parser_error(str(error)) from None


def parser_error(message: str) -> ApiError:
    return ApiError(400, "JSON_PARSER_ERROR", message)
