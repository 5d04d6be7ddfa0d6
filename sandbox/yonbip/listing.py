"""The sales order list: conditions, order and pages of a request's body."""

from __future__ import annotations

import re
from typing import Any

from sandbox.yonbip.errors import Refusal
from sandbox.yonbip.orders import Row

MOST = 500
TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
STRETCHES = {"open_vouchdate_begin": "vouchdate", "open_vouchdate_end": "vouchdate"}
KNOWN = {"pageIndex", "pageSize", "isSum", "code", "simpleVOs", "queryOrders", *STRETCHES}
FIELDS = re.compile(
    r"id|code|vouchdate|createTime|pubts|agentId|statusCode|verifystate|headItem!define\d{1,2}"
)
"""What an order can be asked by."""


def page_of(rows: list[Row], body: dict[str, Any]) -> dict[str, Any]:
    """The `data` of an answer. Of `rows` the heads that fit, in the order that is asked for."""
    if set(body) - KNOWN:
        raise Refusal("310015")
    index, size = number(body, "pageIndex"), number(body, "pageSize")
    if size > MOST:
        raise Refusal("310015")
    found = [row for row in rows if fits(row, body)]
    for one in reversed(body.get("queryOrders", [])):
        name, backwards = one["field"], one["order"] == "desc"
        check_field(name)
        found.sort(key=lambda row: held(row, name).rjust(20), reverse=backwards)
    return {
        "pageIndex": index,
        "pageSize": size,
        "recordCount": len(found),
        "pageCount": -(-len(found) // size),
        "recordList": found[(index - 1) * size : index * size],
    }


def number(body: dict[str, Any], name: str) -> int:
    if name not in body:
        raise Refusal("310008")
    value = body[name]
    if type(value) is not int or value < 1:
        raise Refusal("310023")
    return value


def fits(row: Row, body: dict[str, Any]) -> bool:
    """A code is looked for within codes, as a search field does."""
    if "code" in body and body["code"] not in row["code"]:
        return False
    first, last = (time(body.get(name)) for name in STRETCHES)
    if not (first or "") <= row["vouchdate"] <= (last or "9"):
        return False
    return all(satisfies(row, one) for one in body.get("simpleVOs", []))


def satisfies(row: Row, one: dict[str, Any]) -> bool:
    check_field(one["field"])
    value = held(row, one["field"])
    if one["op"] == "eq":
        return value == str(one["value1"])
    if one["op"] == "between":
        return bool(value) and str(time(one["value1"])) <= value <= str(time(one["value2"]))
    raise Refusal("999", number=True)  # the others are not asked for here, `in` there is not


def check_field(name: str) -> None:
    """A field that does not exist is a failure like any other, its code a number."""
    if not FIELDS.fullmatch(name):
        raise Refusal("999", number=True)


def held(row: Row, name: str) -> str:
    outer, _, inner = name.partition("!")
    value = row.get(outer, {}).get(inner) if inner else row.get(name)
    return "" if value is None else str(value)


def time(text: str | None) -> str | None:
    if text is not None and not TIME.fullmatch(text):
        raise Refusal("999", number=True)
    return text
