"""Vendors' JSON that is not quite JSON: what is read of it, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.errors import Malformed
from connectors.json_reading import members, mended, read
from connectors.transport import Response


class Line(msgspec.Struct):
    amount: int
    text: str = ""


class Answer(msgspec.Struct):
    data: list[Line]
    refund_id: str


ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
LINE = msgspec.json.Decoder(Line)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"a":"x\ud83d","b":1}', {"a": "x\ufffd", "b": 1}),
        (rb'{"a":"\ude00\ud83d\ude00"}', {"a": "\ufffd😀"}),
        (rb'{"a":"\ud83d\ud83d\ude00"}', {"a": "\ufffd😀"}),
        (rb'{"a":"\\ud83d","b":"\\\uDFFF"}', {"a": r"\ud83d", "b": "\\\ufffd"}),
        (rb'{"\ud83d":"\""}', {"\ufffd": '"'}),
        (b'{"a":"x\ty\r\nz\x00"}', {"a": "x\ty\r\nz\x00"}),
        (b'\xef\xbb\xbf{"a":"x"}', {"a": "x"}),
        ('\ufeff[\ufeff"a\ufeff\t"]'.encode(), ["a\ufeff\t"]),
        (
            b'{"a":"\xff","b":"\xed\xa0\xbd","c":"\xe6\x9d"}',
            {"a": "\ufffd", "b": 3 * "\ufffd", "c": "\ufffd"},
        ),
        (
            b'{"a":NaN,"b":[-Infinity,"NaN, Infinity"]}',
            {"a": "NaN", "b": ["-Infinity", "NaN, Infinity"]},
        ),
        (b'{"a":1E3,"b":1.50}', {"a": Decimal("1E3"), "b": Decimal("1.50")}),
        (b'{"a":1,"a":2}', {"a": 2}),
        ('{"a":"生僻字 𠮷 \t"}'.encode(), {"a": "生僻字 𠮷 \t"}),
    ],
)
def test_common_faults_cost_no_more_than_their_own_text(body: bytes, value: object) -> None:
    assert read(ANY, body) == value
    assert read(ANY, msgspec.Raw(body)) == value


def test_json_inside_json_may_have_the_same_faults() -> None:
    outer = read(ANY, b'\xef\xbb\xbf{"result":"[{\\"name\\":\\"\\\\ud83d\\u0009\\"}]"}')
    assert read(ANY, outer["result"]) == [{"name": "\ufffd\t"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a":"x',
        rb'{"a":"\ud83d',
        rb'{"a":"\ud8',
        b'{"a":1,}',
        b"{'a':1}",
        rb'{"a":"\x"}',
        b'{"a":1}}',
        b"[" * 100_000,
        b'{"a":' + b"[" * 100_000,
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_what_is_cut_off_or_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(ANY, body)
    with pytest.raises(Malformed, match="the answer is not JSON"):
        Response(200, {}, body).decode(ANY, "acme")


@pytest.mark.parametrize(
    ("number", "value"), [(b"1E3", 1000), (b"1.5e1", 15), (b"-2e+0", -2), (b"1200E-2", 12)]
)
def test_a_whole_number_may_have_an_exponent(number: bytes, value: int) -> None:
    assert read(LINE, b'{"amount":' + number + b',"text":"1E3"}') == Line(value, "1E3")


@pytest.mark.parametrize("number", [b"1.0", b"1e-1", b"1e999", b"NaN", b'"1"'])
def test_other_numbers_are_no_integers(number: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(LINE, b'{"amount":' + number + b"}")


def test_sound_json_of_another_shape_is_not_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.json_reading.mended", None)
    for body in (b'{"amount":"1"}', b"[]", b"{}", b'{"amount":null}'):
        with pytest.raises(msgspec.ValidationError):
            read(LINE, body)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"refund_id":"1"}', "the answer does not fit: data is missing"),
        (
            b'{"refund_id":"1","data":[{}]}',
            "the answer does not fit at $.data[0]: amount is missing",
        ),
        (b'{"refund_id":"1","data":7}', "the answer does not fit at $.data"),
        (b'["ada@example.com"]', "the answer does not fit: it is array, not object"),
    ],
)
def test_the_error_names_the_place_or_the_key_and_no_value(body: bytes, detail: str) -> None:
    with pytest.raises(Malformed) as failure:
        Response(200, {}, body).decode(msgspec.json.Decoder(Answer), "acme")
    assert failure.value.detail == detail


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            '{"a": {"b":[1,{"c":","}]} ,"sign":"x\\"}"}',
            {"a": '{"b":[1,{"c":","}]}', "sign": '"x\\"}"'},
        ),
        ('\ufeff{"a\\u0062":"\\ud83d\t"}', {"ab": '"\\ud83d\t"'}),
        ('{"a":1,"a":2}', {"a": "2"}),
        ("{}", {}),
    ],
)
def test_members_are_cut_out_as_they_are_written(text: str, found: dict[str, str]) -> None:
    assert members(text) == found


@pytest.mark.parametrize("text", ["[]", '"a"', '{"a":1', "{} {}"])
def test_only_an_object_has_members(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        members(text)


def test_mending_leaves_sound_json_as_it_is() -> None:
    text = '{"a":[1,-2.5e-3,true,null,"\\u4f60\\ud83d\\ude00\\n\\\\"],"b":{"c":"😀 NaN 1E3"}}'
    assert mended(text) == text
