"""References from a CSV file: each bad row is told, and then nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.ledger import Entry
from connectors.money import Money
from connectors.records import Kind, Provider
from gateway.index_import import RowReader
from gateway.strict import SettingsError
from resolvers.sources import Sources
from tests.resolvers.channel import CN, Channel
from tests.resolvers.fakes import EU, FakePayments, configured

HEAD = "source,kind,native_id,created_at,reference,payment,alias,amount,fee,currency\n"
AT = "2026-01-01T08:00:05+08:00"
PAID = f"cn,payment,p1,{AT},订单－１🧧,,4200,88.88,0.53,CNY\n"


def sources() -> Sources:
    import msgspec

    cn = configured(CN, Channel())
    vendor = msgspec.structs.replace(
        cn.vendor, currencies=("CNY",), provider=Provider.ALIPAY, label="Alipay"
    )
    return Sources([msgspec.structs.replace(cn, vendor=vendor), configured(EU, FakePayments())])


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> tuple[list[Any], list[str]]:
    path = tmp_path / "old.csv"
    path.write_bytes(text.encode(encoding))
    reader = RowReader(sources(), path)
    return list(reader.rows()), reader.refused


def test_a_row_is_an_entry(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, HEAD + PAID)
    assert refused == []
    assert rows == [
        (
            "cn",
            Entry(
                kind=Kind.PAYMENT,
                native_id="p1",
                created_at=datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC),
                alias="4200",
                reference="订单－１🧧",
                amount=Money(8888, "CNY"),
                fee=Money(53, "CNY"),
            ),
        )
    ]


def test_four_columns_are_enough_and_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    text = f"source,kind,native_id,created_at\ncn,payment,p1,{AT}\n\n"
    rows, refused = read(tmp_path, text, "utf-8-sig")
    assert ([entry.native_id for _, entry in rows], refused) == (["p1"], [])


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (f"xx,payment,p1,{AT},,,,,,", "source: no source has this name"),
        (f"eu,payment,p1,{AT},,,,,,", "source: it lists its records live"),
        (f"cn,order,p1,{AT},,,,,,", "kind: one of payment, refund, dispute"),
        (f"cn,payment,a b,{AT},,,,,,", "native_id: no payment id of Alipay"),
        ("cn,payment,p1,2026-01-01 08:00,,,,,,", "created_at: a time without a zone"),
        ("cn,payment,p1,yesterday,,,,,,", "created_at: not a time"),
        ("cn,payment,p1,9999-12-31T23:59:59-12:00,,,,,,", "created_at: not a time"),
        (f"cn,refund,r1,{AT},,,,,,", "payment: a refund names its payment"),
        (f"cn,payment,p1,{AT},,,,8888,,", "amount: an amount without a currency"),
        (f"cn,payment,p1,{AT},,,,88.888,,CNY", "amount: CNY has 2 decimals"),
        (f"cn,payment,p1,{AT},,,,８８.８８,,CNY", "amount: not a decimal such as 88.88"),
        (f"cn,payment,p1,{AT},,,,1e3,,CNY", "amount: not a decimal"),
        (f"cn,refund,r1,{AT},,r1,,,,", "payment: a refund is not its own payment"),
        ("cn,payment,p1,2126-01-01T00:00:00Z,,,,,,", "created_at: in the future"),
        ("cn,payment,p1,2026-W01-1T00:00:00Z,,,,,,", "created_at: not a time"),
        (f"cn,payment,p1,{AT},a\0b,,,,,", "reference: holds characters that cannot be printed"),
        (f"cn,payment,p1,{AT},订单－１,,,,,", None),
        (f"cn,payment,p1,{AT},,,,-1,,CNY", "amount: below zero"),
        (f"cn,payment,p1,{AT},,,,1,,EUR", "currency: Alipay is paid in CNY only"),
        (f"cn,payment,p1,{AT},,,,1,,XYZ", "currency: Alipay is paid in CNY only"),
        (f"cn,payment,p1,{AT}", "4 columns instead of 10"),
        (f"cn,payment,p1,{AT},{'x' * 256},,,,,", "reference: longer than 255 characters"),
    ],
)
def test_a_bad_row_is_located_and_explained(tmp_path: Path, row: str, why: str | None) -> None:
    rows, refused = read(tmp_path, HEAD + PAID + row + "\n" + PAID)
    assert len(rows) == (2 if why else 3), "the good rows are read all the same"
    assert refused == [] if why is None else refused[0].startswith(f"old.csv:3: {why}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "old.csv:1: the first line names each column once, and needs source,kind"),
        ("source,kind,native_id\n", "old.csv:1: the first line names"),
        (HEAD.replace("alias", "source"), "old.csv:1: the first line names each column once"),
        (HEAD.replace("alias", "alais"), "unknown key, did you mean 'alias'?"),
        (HEAD + '"cn', "old.csv:2: unexpected end of data"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, text)
    assert why in str(error.value)


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: UnicodeDecodeError"):
        read(tmp_path, HEAD + PAID.replace("🧧", ""), "gb18030")
