"""A query string, read strictly: what is not well-formed is refused with its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from sandbox.paypal.errors import invalid

TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)")


@dataclass(frozen=True, slots=True)
class Query:
    values: dict[str, str]

    @classmethod
    def of(cls, text: str) -> Query:
        return cls(dict(parse_qsl(text, keep_blank_values=True)))

    def text(self, name: str) -> str | None:
        return self.values.get(name) or None

    def number(self, name: str, default: int, most: int) -> int:
        """From 1 to `most`."""
        text = self.values.get(name)
        if text is None:
            return default
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise invalid(name)
        return int(text)

    def moment(self, name: str) -> datetime | None:
        """Seconds and a zone are required."""
        text = self.values.get(name)
        if text is None:
            return None
        if not TIME.fullmatch(text):
            raise invalid(name)
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            raise invalid(name) from None
