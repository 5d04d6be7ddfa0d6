"""What an id stands for: PayPal's captures, authorizations and orders have ids of one form."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from connectors.errors import Superseded
from connectors.paypal.api import AUTHORIZATIONS, CAPTURES, ORDERS, Api
from connectors.paypal.payloads import Authorization, Capture, Order
from connectors.paypal.words import CAPTURED_WORDS, ENDED_WORDS


class Found(msgspec.Struct, frozen=True):
    """A payment, and its order where that was read."""

    paid: Authorization
    order: Order | None = None


class Finder:
    """Most ids are captures, so these are asked first: one call, and another for the order where
    it is wanted. What is neither capture nor authorization costs three.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    async def find(self, asked: str, wants_order: Callable[[Capture], bool]) -> Found | None:
        """The payment that `asked` leads to.

        An authorization that was captured, if only in part before it was voided, leads to its
        capture, an order to its one payment.
        Superseded where these are several, each a payment of its own, or where PayPal does not
        say which.
        """
        if (capture := await self._api.one(CAPTURES, asked)) is not None:
            order = await self._order_of(capture) if wants_order(capture) else None
            return Found(capture, order)
        if (authorization := await self._api.one(AUTHORIZATIONS, asked)) is None:
            whole = await self._api.one(ORDERS, asked)
            return self._only(whole)
        if authorization.status not in CAPTURED_WORDS | ENDED_WORDS:
            return Found(authorization)
        order = await self._order_of(authorization)
        captures = list(order.captures.values()) if order else []
        alone = order is not None and order.authorizations.keys() <= {asked}
        if authorization.status in ENDED_WORDS and not (captures and alone):
            return Found(authorization, order)
        if len(captures) != 1:
            raise Superseded(self._api.source, "the authorization lives on as its captures")
        return Found(captures[0], order)

    async def _order_of(self, paid: Authorization) -> Order | None:
        """None where PayPal does not name it, or has forgotten it: older payments have none."""
        if paid.order_id is None:
            return None
        order = await self._api.one(ORDERS, paid.order_id)
        return order

    def _only(self, order: Order | None) -> Found | None:
        if order is None:
            return None
        held = [a for a in order.authorizations.values() if a.status not in CAPTURED_WORDS]
        payments: list[Authorization] = [*order.captures.values()] or held
        if len(payments) > 1:
            raise Superseded(self._api.source, "the order has several payments: name one of them")
        return Found(payments[0], order) if payments else None
