"""A running Jiandaoyun simulator with settings that fit it."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from connectors.jiandaoyun.settings import JiandaoyunSettings
from gateway.strict import Reader
from sandbox.generate import generate
from sandbox.jiandaoyun import VENDOR as SIMULATED
from sandbox.jiandaoyun import Simulator, simulator_of
from sandbox.jiandaoyun.forms import Field, Form
from sandbox.server import Server
from sandbox.simulator import Context
from sandbox.world import Customer, Order
from tests.connectors.paper_provider import (
    STRIPE_EU,
    STRIPE_US,
    WECHAT_CN,
    paper_provider,
    seen_through,
)
from tests.connectors.upstream import SandboxUpstream

NAME = "jiandaoyun"


PROVIDERS = (
    paper_provider("stripe", STRIPE_EU, STRIPE_US),
    paper_provider("wechatpay", WECHAT_CN),
)


class Lab:
    """One running simulator with its world; `restore` undoes what a test did."""

    def __init__(self, server: Server, context: Context) -> None:
        self.server = server
        self.world = server.world
        self.simulator: Simulator = simulator_of(context)
        self.keys = SIMULATED.credentials(context)[NAME]
        source = f"[sources.{NAME}]\n{SIMULATED.settings(context)[NAME]}"
        self.table: dict[str, Any] = tomllib.loads(source)["sources"][NAME]
        self._forms = copy.deepcopy(self.simulator.named)
        self._granted = copy.deepcopy(self.simulator.keys)

    def restore(self) -> None:
        self.simulator.named = copy.deepcopy(self._forms)
        self.simulator.forms = {form.entry_id: form for form in self.simulator.named.values()}
        self.simulator.keys = copy.deepcopy(self._granted)
        self.simulator.ids_in_batches = False
        httpx.delete(f"{self.server.origin}/_sandbox/faults").raise_for_status()

    def settings(self, **changes: Any) -> JiandaoyunSettings:
        """As the gateway reads them; `changes` replace keys of the table, None leaves one out."""
        given = {"vendor": NAME, **self.keys, "key": {"env": "KEY"}, **self.table, **changes}
        kept = {name: value for name, value in given.items() if value is not None}
        reader = Reader({"KEY": self.keys["key"]}, Path())
        return reader.read(kept, JiandaoyunSettings, f"sources.{NAME}")

    def mapped(self, kind: str, index: int = 0, **changes: Any) -> dict[str, Any]:
        """One table of the mapping as it stands in the configuration, with changes."""
        return {**self.table[kind][index], **changes}

    def upstream(self) -> SandboxUpstream:
        return SandboxUpstream(self.server.origin, NAME, NAME)

    def form(self, name: str) -> Form:
        return self.simulator.named[name]

    def field(self, form: str, label: str) -> Field:
        return self.form(form).labelled(label)

    @property
    def customers(self) -> list[Customer]:
        return [c for c in self.world.customers if NAME in c.sources]

    @property
    def orders(self) -> list[Order]:
        return [o for o in self.world.orders if o.source == NAME]

    def orders_in(self, form: str, key: str) -> list[Order]:
        """The world's orders whose record is in this form."""
        field = self.form(form).key(key)
        held = {record.values[field] for record in self.form(form).records.values()}
        return [order for order in self.orders if order.native_id in held]

    def call(self, path: str, body: Any, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.keys['key']}"}
        url = f"{self.keys['base_url']}/api/v5/app{path}"
        given = {"app_id": self.keys["app_id"], **body} if isinstance(body, dict) else body
        return httpx.post(url, json=given, headers=headers, timeout=20, **more)

    def asked(self) -> list[str]:
        """Paths of the calls since the log was cleared, without what all have in common."""
        answer = httpx.get(f"{self.server.origin}/_sandbox/calls", params={"vendor": NAME})
        return [call["path"].removeprefix("/api/v5/app") for call in answer.json()["calls"]]

    def forget_calls(self) -> None:
        httpx.delete(f"{self.server.origin}/_sandbox/calls").raise_for_status()


def lab_running(seed: int = 11, customers: int = 60, orders: int = 150) -> Iterator[Lab]:
    simulated, seen = seen_through(SIMULATED)
    vendors = (simulated, *PROVIDERS)
    world = generate(seed, customers, orders, vendors=vendors)
    with Server(world, vendors, rate_limits=False) as server:
        yield Lab(server, seen[0])
