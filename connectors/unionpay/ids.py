"""What names a transaction: its order number and the moment it was sent, or its queryId.

`orderId` alone is unique for a day only, so a native id is `orderId-txnTime`; an order number is
letters and digits and holds no dash. A queryId, 21 digits, is another name of the same thing.
"""

from __future__ import annotations

import re

from connectors.beijing import utc_of_digits
from connectors.records import Kind

_NATIVE = re.compile(r"([A-Za-z0-9]{1,40})-([0-9]{14})")
_QUERY_ID = re.compile(r"[0-9]{21}")


def native_id(order_id: str, txn_time: str) -> str:
    return f"{order_id}-{txn_time}"


def parts(native_id: str) -> dict[str, str]:
    """The fields of a request that ask for it."""
    order_id, dash, txn_time = native_id.rpartition("-")
    return {"orderId": order_id, "txnTime": txn_time} if dash else {"queryId": native_id}


def normalise(kind: Kind, native_id: str) -> str | None:
    """As it is, when it can be one; letters have a case."""
    if _QUERY_ID.fullmatch(native_id):
        return native_id
    found = _NATIVE.fullmatch(native_id)
    try:
        return native_id if found and utc_of_digits(found.group(2)) else None
    except ValueError:
        return None
