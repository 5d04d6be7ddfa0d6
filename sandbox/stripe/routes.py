"""Which function answers which method and path."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.stripe import params as read
from sandbox.stripe.errors import StripeError
from sandbox.stripe.expand import expanded, plan
from sandbox.stripe.lists import FILTERS, line_items, listing
from sandbox.stripe.params import Params
from sandbox.stripe.query import FIELDS
from sandbox.stripe.reads import account, balance, retrieve
from sandbox.stripe.search import search
from sandbox.stripe.store import TABLES, Store
from sandbox.stripe.writes import Writer

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """The account a request is about, and when."""

    store: Store
    now: float
    lag: float


Handler = Callable[[Moment, Params, str], Object]


@dataclass(frozen=True, slots=True)
class Route:
    """`spends` names the rate limits that a call counts against."""

    handler: Handler
    spends: tuple[str, ...] = ("read",)


def reading(handler: Callable[..., Object], *fixed: object) -> Handler:
    """A read that takes the store, what is fixed, and the id if the path has one."""

    def handle(moment: Moment, params: Params, native_id: str) -> Object:
        ids = (native_id,) if native_id else ()
        return handler(moment.store, *fixed, *ids, params)

    return handle


def searching(noun: str) -> Handler:
    return lambda moment, params, native_id: search(moment.store, noun, params, moment.now)


def writing(verb: Callable[..., Object], noun: str) -> Handler:
    """A write; its answer may be expanded, which is checked before anything is written."""

    def handle(moment: Moment, params: Params, native_id: str) -> Object:
        tree = plan(moment.store, read.expansions(params), noun, in_list=False)
        writer = Writer(moment.store, moment.now, moment.lag)
        ids = (native_id,) if native_id else ()
        return expanded(moment.store, verb(writer, *ids, params), tree)

    return handle


def table() -> list[tuple[str, re.Pattern[str], Route]]:
    """Every route; literal paths stand before those with an id."""
    routes: list[tuple[str, str, Route]] = [
        ("GET", "/v1/balance", Route(reading(balance))),
        ("GET", "/v1/account", Route(reading(account))),
        ("GET", "/v1/checkout/sessions/{id}/line_items", Route(reading(line_items))),
    ]
    for noun in FIELDS:
        path = f"{TABLES[noun][0]}/search"
        routes.append(("GET", path, Route(searching(noun), ("read", "search"))))
    for noun, (path, _) in TABLES.items():
        if noun in FILTERS:
            routes.append(("GET", path, Route(reading(listing, noun))))
        routes.append(("GET", path + "/{id}", Route(reading(partial(retrieving, noun)))))
    writes = (
        ("/v1/customers", Writer.customer, "customer"),
        ("/v1/payment_intents", Writer.intent, "payment_intent"),
        ("/v1/payment_intents/{id}/capture", Writer.capture, "payment_intent"),
        ("/v1/payment_intents/{id}/cancel", Writer.cancel, "payment_intent"),
        ("/v1/refunds", Writer.refund, "refund"),
    )
    routes += [
        ("POST", path, Route(writing(verb, noun), ("write",))) for path, verb, noun in writes
    ]
    return [(method, pattern(path), route) for method, path, route in routes]


def retrieving(noun: str, store: Store, native_id: str, params: Params) -> Object:
    return retrieve(store, noun, native_id, params)


def pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\{id\}", "(?P<id>[^/]+)"))


class Router:
    """Finds the route of a request."""

    def __init__(self) -> None:
        self.routes = table()

    def find(self, method: str, path: str) -> tuple[Route, str]:
        for known, shape, route in self.routes:
            match = shape.fullmatch(path) if known == method else None
            if match:
                return route, match.groupdict().get("id") or ""
        raise StripeError(
            404,
            f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or "
            "we can help at https://support.stripe.com/.",
        )
