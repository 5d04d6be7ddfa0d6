"""Rows of a statement that comes as JSON, decoded one by one."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from connectors.ledger import BadRow

T = TypeVar("T")


def decoded(
    raw: msgspec.Raw, decoder: msgspec.json.Decoder[T], line: int, part: str = ""
) -> T | BadRow:
    """The row, or a BadRow that names the field which does not have its documented type."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        _, _, path = str(error).partition(" - at `$.")
        return BadRow(
            line=line, part=part, column=path.rstrip("`"), reason="not as it is documented"
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return BadRow(line=line, part=part, reason="not a JSON value")
