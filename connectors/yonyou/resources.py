"""What U8 OpenAPI can be asked for: its lists, the parameters that narrow them, and their fields.

open.yonyouup.com/apiCenter. A table of the mapping is the name of a list, and may fix parameters of
it: `acceptlist?vouchtype=48` are receipts, `acceptlist?vouchtype=49` refunds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec

from connectors.records import Kind

Params = tuple[tuple[str, str], ...]
_NAME = re.compile(r"[a-z_]{2,40}")
_CODE = re.compile(r"[^\s&'\"|<>?*%^~:;,\x00-\x1f]{1,30}")
OWN_PARAMS = frozenset(
    {
        "from_account",
        "to_account",
        "app_key",
        "app_secret",
        "token",
        "ds_sequence",
        "page_index",
        "rows_per_page",
    }
)


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One list. `single` is the resource that gives one document with its `inner` rows, asked for
    by what stands in the field `code`; `filters` leads from fields to parameters for one value,
    `dates` and `span` to the two that bound a range, both ends included.
    """

    name: str
    single: str = ""
    code: str = ""
    span: tuple[str, str] | None = None
    filters: Mapping[str, str] = {}
    dates: Mapping[str, tuple[str, str]] = {}
    fields: frozenset[str] = frozenset()
    inner: Mapping[str, frozenset[str]] = {}


class Listed(msgspec.Struct, frozen=True):
    """A table of the mapping: a list and the parameters that are fixed."""

    table: str
    resource: Resource
    fixed: Params = ()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _numbered(name: str, first: int, last: int) -> frozenset[str]:
    return frozenset(f"{name}{number}" for number in range(first, last + 1))


_DEFINES = _numbered("define", 1, 16)
_CODES = ("code_begin", "code_end")
_DATES = {"date": ("date_begin", "date_end")}
_HEAD = _DEFINES | _words(
    """
    code date businesstype typecode typename state custcode cusname cusabbname deptcode deptname
    personcode personname dpremodatebt dpredatebt sendaddress ccusperson taxrate memo maker verifier
    closer
    """
)
_ENTRY = (
    _numbered("define", 22, 37)
    | _numbered("free", 1, 10)
    | _words(
        """
        rowno inventorycode inventoryname invstd unitcode quantity num unitprice quotedprice
        taxunitprice money tax sum taxrate discount natmoney nattax natsum bgift
        """
    )
)
_VOUCHER = _DEFINES | _words(
    """
    vouchcode vouchdate vouchtype customercode customername departmentcode personcode amount
    originalamount foreigncurrency currencyrate digest balancecode balancename balanceitemcode
    bankname bankaccount oppositebankname oppositebankcode operator
    """
)
_VOUCHER_FILTERS = {
    name: name for name in ("customercode", "personcode", "departmentcode", "digest")
}


def _vouchers(name: str, single: str) -> Resource:
    return Resource(
        name=name,
        single=single,
        code="vouchcode",
        span=("vouchcode_begin", "vouchcode_end"),
        filters=_VOUCHER_FILTERS,
        dates={"vouchdate": ("vouchdate_begin", "vouchdate_end")},
        fields=_VOUCHER,
        inner={"entry": _words("customercode amount originalamount type")},
    )


def _orders(name: str, single: str) -> Resource:
    return Resource(
        name=name,
        single=single,
        code="code",
        span=_CODES,
        filters={"custcode": "custcode"},
        dates=_DATES,
        fields=_HEAD,
        inner={"entry": _ENTRY},
    )


_RESOURCES = {
    one.name: one
    for one in (
        Resource(
            name="customer",
            single="customer",
            code="code",
            span=_CODES,
            fields=_numbered("self_define", 1, 16)
            | _words(
                """
                code name abbrname sort_code domain_code industry address bank_open bank_acc_number
                contact phone fax mobile devliver_site memo ccusexch_name spec_operator ModifyDate
                seed_date end_date timestamp
                """
            ),
        ),
        Resource(
            name="customercontacts",
            single="customercontacts",
            fields=_words(
                """
                code name ccuscode be_main_linker mobile_phone office_phone email wechat default
                """
            ),
        ),
        _orders("saleorderlist", "saleorder"),
        _orders("returnorderlist", "returnorder"),
        _vouchers("acceptlist", "accept"),
        _vouchers("paylist", "pay"),
    )
}
KNOWN = tuple(_RESOURCES)


def listed(table: str) -> Listed:
    """Raises ValueError for what is no name of a list. One that is not known here is read whole."""
    name, _, fixed = table.partition("?")
    params = tuple(parse_qsl(fixed, keep_blank_values=True, strict_parsing=bool(fixed)))
    if not _NAME.fullmatch(name) or OWN_PARAMS & {key for key, _ in params}:
        raise ValueError(
            f"{table!r} is not a list of U8 OpenAPI, such as saleorderlist or "
            "acceptlist?vouchtype=48"
        )
    return Listed(table, _RESOURCES.get(name) or Resource(name=name), params)


def is_code(text: str) -> bool:
    """Whether this may be the code of something in U8."""
    return _CODE.fullmatch(text) is not None


def normalise(kind: Kind, native_id: str) -> str | None:
    """A code as it is."""
    return native_id if is_code(native_id) else None


def leads_inside(columns: Sequence[str], resource: Resource) -> bool:
    """Whether one of these paths leads to rows inside a document, which no list holds."""
    return any(column.partition(".")[0].removesuffix("[]") in resource.inner for column in columns)
