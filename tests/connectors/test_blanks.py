"""Members that are null or empty text count as missing, where that is all that does not fit."""

from __future__ import annotations

import msgspec
import pytest

from connectors.blanks import decoded
from connectors.errors import Malformed
from connectors.transport import Response


class Part(msgspec.Struct, frozen=True):
    amount: int = 0


class Thing(msgspec.Struct, frozen=True):
    id: str
    note: str | None = None
    count: int = 1
    part: Part = Part()
    rows: list[Part] = []


def read(body: bytes) -> Thing:
    return decoded(Response(200, {}, body), msgspec.json.Decoder(Thing), "acme")


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"1","count":null,"part":null,"rows":null}',
        b'{"id":"1","count":"","part":{"amount":null}}',
        b'{"id":"1","part":{"amount":""},"rows":""}',
    ],
)
def test_a_blank_member_is_a_missing_one(body: bytes) -> None:
    assert read(body) == Thing(id="1")


def test_a_blank_row_of_a_list_is_none() -> None:
    assert read(b'{"id":"1","rows":[null,{"amount":null},{"amount":2}]}').rows == [Part(), Part(2)]


def test_a_blank_that_fits_is_kept() -> None:
    assert read(b'{"id":"","note":""}') == Thing(id="", note="")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"id":null}', "does not fit at $.id"),
        (b'{"id":"1","count":"many","part":null}', "does not fit at $.count"),
        (b"{", "not JSON"),
        (b'{"id":"1","part":' + b"[" * 100_000, "does not fit at $.part"),
    ],
)
def test_what_does_not_fit_either_way_is_told_as_it_came(body: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said.replace("$", r"\$")):
        read(body)
