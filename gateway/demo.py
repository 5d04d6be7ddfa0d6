"""`tillgate demo`: simulated vendors and the gateway, in one process, and one joined query.

The gateway knows nothing of the sandbox: it is configured as for real vendors, with the
credentials that the sandbox made up at start.
"""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from connectors.registry import Registry
from connectors.vendor import SourceSettings
from gateway.index_sync import reason, sync_index
from gateway.server import Refusal, server
from gateway.settings import Settings, parse
from gateway.strict import Reader
from resolvers.index.sync import Outcome, State
from sandbox.server import Server as Sandbox
from sandbox.world import Account, World

DEMO_TOML = """\
[server]
port = {port}
profile = "development"

[store]
url = "sqlite+aiosqlite:///{folder}/tillgate.db"

[sources.salesforce]
vendor = "salesforce"
base_url = "{origin}/salesforce"
auth = "jwt_bearer"
client_id = "{client_id}"
username = "{username}"
private_key = {{ env = "SALESFORCE_PRIVATE_KEY" }}
customer_fields = {{ email = "Email__c", tier = "Tier__c" }}
order_refund_fields = {{ WeChat_Refund_No__c = "wechat_cn" }}
states = {{ Fulfilled = "FULFILLED" }}
customer_id_fields = {{ Stripe_EU_Customer__c = "stripe_eu", Stripe_US_Customer__c = "stripe_us" }}
custom_fields = {{ order = ["PoNumber"], customer = ["AccountNumber"] }}

[sources.salesforce.order_fields]
payment_status = "Payment_Status__c"
payment_channel = "Payment_Channel__c"
refunded_amount = "Refunded_Amount__c"

[sources.salesforce.order_payment_fields]
Stripe_EU_Payment__c = "stripe_eu"
Stripe_US_Payment__c = "stripe_us"
PayPal_Payment__c = "paypal"
Alipay_Payment__c = "alipay_cn"
WeChat_Payment__c = "wechat_cn"
UnionPay_Payment__c = "unionpay_cn"
ECNY_Payment__c = "ecny_cn"

[sources.stripe_eu]
vendor = "stripe"
base_url = "{origin}/stripe"
key = {{ env = "STRIPE_EU_KEY" }}

[sources.stripe_us]
vendor = "stripe"
base_url = "{origin}/stripe"
key = {{ env = "STRIPE_US_KEY" }}
"""

WRITTEN_OUT = frozenset({"salesforce", "stripe"})
"""Vendors whose sources stand in the text above; the others' follow from their credentials."""
MORE = {"paypal": "rates = { reports = 100 }  # nobody here counts our reports"}
BOOKS_BEGIN = datetime(2025, 11, 1, tzinfo=UTC)
"""Before the first payment of the simulated world."""

JOINED_QUERY = """\
query Joined($customer: ID!) {
  customer(id: $customer) {
    name
    totals { currency ordered { amount } paid { amount } refunded { amount } }
    orders(first: 20) {
      nodes {
        number
        total { amount currency }
        recordedState
        paymentState
        inSync
        payments {
          nodes {
            source { name }
            provider
            channel
            status
            amount { amount currency }
            refunds { nodes { status amount { amount } } }
          }
        }
      }
    }
  }
}
"""


def demo_settings(sandbox: Sandbox, registry: Registry, folder: str, port: int = 8000) -> Settings:
    """The gateway's settings for a running sandbox; `folder` holds the store."""
    text, secrets = demo_toml(sandbox, registry, folder, port)
    return parse(text, registry, Reader(secrets, Path(folder)))


def demo_toml(
    sandbox: Sandbox, registry: Registry, folder: str, port: int
) -> tuple[str, dict[str, str]]:
    """The same as a `tillgate.toml`, and the environment with its secrets."""
    credentials = sandbox.credentials
    crm = credentials["salesforce"]
    text = DEMO_TOML.format(
        port=port,
        folder=folder,
        origin=sandbox.origin,
        client_id=crm["client_id"],
        username=crm["username"],
    )
    secrets = {
        "SALESFORCE_PRIVATE_KEY": crm["private_key"],
        "STRIPE_EU_KEY": credentials["stripe_eu"]["secret_key"],
        "STRIPE_US_KEY": credentials["stripe_us"]["secret_key"],
    }
    for account in sandbox.world.accounts:
        if account.vendor not in WRITTEN_OUT:
            text += _table(
                account, credentials[account.name], registry[account.vendor].settings, secrets
            )
    return text, secrets


def _table(
    account: Account,
    given: Mapping[str, str],
    settings: type[SourceSettings],
    secrets: dict[str, str],
) -> str:
    """The table of a source whose credentials are named like its settings; notes the secrets."""
    types = {field.name: str(field.type) for field in msgspec.structs.fields(settings)}
    lines = [f"[sources.{account.name}]", f'vendor = "{account.vendor}"']
    for key, value in given.items():
        text = json.dumps(value)
        if "Secret" in types[key]:
            name = f"{account.name}_{key}".upper()
            secrets[name] = value
            text = f'{{ env = "{name}" }}'
        lines.append(f"{key} = [{text}]" if types[key].startswith("tuple") else f"{key} = {text}")
    return "\n".join(["", *lines, MORE.get(account.name, ""), ""])


def shown_customer(world: World) -> str:
    """The Salesforce id of the customer whose orders were paid and refunded in most sources, and
    none of it in a state that nobody knows: over that no sums are shown."""
    buyer = {order.number: order.customer for order in world.orders}
    doubtful = {buyer.get(p.order or "") for p in world.payments if p.status == "UNKNOWN"}
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for payment in world.payments:
        if payment.captured and (key := buyer.get(payment.order or "")) is not None:
            seen[key].add(payment.source)
            seen[key] |= {f"refund {payment.source}"} if payment.refunded else set()
    best = max(seen.keys() - doubtful or seen, key=lambda key: (len(seen[key]), key))
    customer = next(c for c in world.customers if c.key == best)
    return customer.sources["salesforce"]


async def demonstrate(
    sandbox: Sandbox, settings: Settings, registry: Registry, listener: socket.socket, once: bool
) -> int:
    """Serves until interrupted, or until the query is answered; 0 if it was without errors."""
    print("Reading the books of the channels that cannot list ...", flush=True)
    await sync_index(settings, registry, BOOKS_BEGIN, (), _tell_failure)
    serving = server(settings, registry)
    running = asyncio.create_task(serving.serve(sockets=[listener]))
    try:
        while not serving.started:
            if running.done():
                raise Refusal("the gateway did not start")
            await asyncio.sleep(0.01)
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        answer = await asyncio.to_thread(ask, origin, shown_customer(sandbox.world))
        vendors = dict.fromkeys(account.vendor for account in sandbox.world.accounts)
        print(_report(sandbox.origin, vendors, origin, answer), flush=True)
        if not once:
            print("\nRunning. Stop with Ctrl-C.", flush=True)
            await running
        return 1 if answer.get("errors") else 0
    finally:
        serving.should_exit = True
        await running


def _tell_failure(outcome: Outcome) -> None:
    if outcome.state is State.FAILED:
        print(f"{outcome.source}: {outcome.period}: {reason(outcome)}", flush=True)


def ask(origin: str, customer: str) -> dict[str, Any]:
    """The joined query over HTTP, as any client would send it."""
    body = {"query": JOINED_QUERY, "variables": {"customer": f"salesforce:customer:{customer}"}}
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{origin}/graphql", msgspec.json.encode(body), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        answer: dict[str, Any] = msgspec.json.decode(response.read())
    return answer


def _report(sandbox: str, vendors: Iterable[str], gateway: str, answer: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"Sandbox vendors  {sandbox}  ({', '.join(f'/{vendor}' for vendor in vendors)})",
            f"  truth, calls   {sandbox}/_sandbox/truth  {sandbox}/_sandbox/calls",
            f"GraphQL          {gateway}/graphql  (GraphiQL in a browser)",
            f"Health           {gateway}/healthz  {gateway}/readyz",
            "",
            "A customer of Salesforce, with orders and their payments and refunds in all channels:",
            "",
            JOINED_QUERY,
            json.dumps(answer, indent=2, ensure_ascii=False),
        ]
    )
