"""Lists as U8 OpenAPI gives them: narrowed by parameters, ordered by code, in pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.yonyou.refusals import Refused
from sandbox.yonyou.vouchers import Row

Query = Mapping[str, str]
Keep = Callable[[Row, str], bool]
INNER = "entry"
MOST_ROWS = 8000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
CODES = {"customer": "code", "saleorderlist": "code", "acceptlist": "vouchcode"}
CODES["paylist"] = CODES["acceptlist"]
SINGLES = {"customer": "customer", "saleorder": "saleorderlist", "accept": "acceptlist"}
SINGLES["pay"] = "paylist"


def _equal(field: str) -> Keep:
    return lambda row, value: str(row.get(field, "")).casefold() == value.casefold()


def _contains(field: str) -> Keep:
    return lambda row, value: value.casefold() in str(row.get(field, "")).casefold()


def _from(field: str) -> Keep:
    return lambda row, value: str(row.get(field, "")).casefold() >= value.casefold()


def _to(field: str) -> Keep:
    return lambda row, value: str(row.get(field, "")).casefold() <= value.casefold()


_VOUCHERS: dict[str, Keep] = {
    "vouchcode_begin": _from("vouchcode"),
    "vouchcode_end": _to("vouchcode"),
    "vouchdate_begin": _from("vouchdate"),
    "vouchdate_end": _to("vouchdate"),
    "vouchtype": _equal("vouchtype"),
    "customercode": _equal("customercode"),
    "customername": _contains("customername"),
    "digest": _contains("digest"),
}
NARROWED: dict[str, dict[str, Keep]] = {
    "customer": {
        "code_begin": _from("code"),
        "code_end": _to("code"),
        "name": _contains("name"),
    },
    "saleorderlist": {
        "code_begin": _from("code"),
        "code_end": _to("code"),
        "date_begin": _from("date"),
        "date_end": _to("date"),
        "custcode": _equal("custcode"),
        "cusname": _contains("cusname"),
        "state": _equal("state"),
    },
    "acceptlist": _VOUCHERS,
    "paylist": _VOUCHERS,
}


def page(name: str, rows: list[Row], query: Query) -> dict[str, Any]:
    """The answer to batch_get: heads only, and all of its own numbers as text."""
    index, size = _whole(query, "page_index", 1), _whole(query, "rows_per_page", 20)
    if size > MOST_ROWS:
        raise Refused("parameter")
    found = [row for row in rows if _kept(name, row, query)]
    found.sort(key=lambda row: str(row[CODES[name]]))
    shown = found[(index - 1) * size : index * size]
    return {
        "errcode": "0",
        "errmsg": "",
        "page_index": str(index),
        "rows_per_page": str(size),
        "row_count": str(len(found)),
        "page_count": str(-(-len(found) // size)),
        name: [{key: value for key, value in row.items() if key != INNER} for row in shown],
    }


def document(single: str, rows: list[Row], query: Query) -> dict[str, Any]:
    """The answer to get."""
    code = CODES[SINGLES[single]]
    found = [row for row in rows if _equal(code)(row, query.get("id", ""))]
    if not found:
        raise Refused("absent")
    return {"errcode": "0", "errmsg": "", single: found[0]}


def _whole(query: Query, name: str, usual: int) -> int:
    text = query.get(name, str(usual))
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise Refused("parameter")
    return int(text)


def _kept(name: str, row: Row, query: Query) -> bool:
    for parameter, keep in NARROWED[name].items():
        value = query.get(parameter, "")
        if "date_" in parameter and value and not _DATE.fullmatch(value):
            raise Refused("parameter")
        if value and not keep(row, value):
            return False
    return True
