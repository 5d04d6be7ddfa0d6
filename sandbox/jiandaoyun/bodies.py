"""A request's body, read strictly: every value has its type, or the call is refused."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.jiandaoyun.errors import JdyError

HEX = re.compile(r"[0-9a-f]{24}")
MOST = 100
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class Body:
    """Keys that the service does not know are ignored, as it does."""

    def __init__(self, content: bytes) -> None:
        try:
            self.values = _DECODER.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise JdyError(1) from None

    def hex_id(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not HEX.fullmatch(value):
            raise JdyError(17017)
        return value

    def cursor(self) -> str:
        """The id behind which to go on; nothing or an empty text is the beginning."""
        return self.hex_id("data_id") if self.values.get("data_id") else ""

    def number(self, name: str, default: int, least: int, most: int | None = None) -> int:
        value = self.values.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise JdyError(17017)
        if most is not None and value > most:
            raise JdyError(17017)
        return value

    def texts(self, name: str) -> list[str] | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise JdyError(17017)
        return value

    def ids(self, name: str, too_many: int) -> list[str]:
        """At most a hundred ids of records."""
        found = self.texts(name)
        if not found or not all(map(HEX.fullmatch, found)):
            raise JdyError(17017)
        if len(found) > MOST:
            raise JdyError(too_many)
        return found

    def object(self, name: str) -> dict[str, Any]:
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise JdyError(17017)
        return value

    def objects(self, name: str, too_many: int) -> list[dict[str, Any]]:
        value = self.values.get(name)
        if not isinstance(value, list) or not value:
            raise JdyError(17017)
        if len(value) > MOST:
            raise JdyError(too_many)
        if not all(isinstance(one, dict) for one in value):
            raise JdyError(17017)
        return value
