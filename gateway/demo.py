"""`tillgate demo`: simulated vendors and the gateway, in one process, and one joined query.

The gateway knows nothing of the sandbox: it is configured as for real vendors, with the
credentials that the sandbox made up at start.
"""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from connectors.registry import Registry
from gateway.server import Refusal, server
from gateway.settings import Settings, parse
from gateway.strict import Reader
from sandbox.server import Server as Sandbox
from sandbox.world import World

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
order_fields = {{ payment_status = "Payment_Status__c", refunded_amount = "Refunded_Amount__c" }}
states = {{ Fulfilled = "FULFILLED" }}
customer_id_fields = {{ Stripe_EU_Customer__c = "stripe_eu", Stripe_US_Customer__c = "stripe_us" }}
order_payment_fields = {{ Stripe_EU_Payment__c = "stripe_eu", Stripe_US_Payment__c = "stripe_us" }}
custom_fields = {{ order = ["PoNumber"], customer = ["AccountNumber"] }}

[sources.stripe_eu]
vendor = "stripe"
base_url = "{origin}/stripe"
key = {{ env = "STRIPE_EU_KEY" }}

[sources.stripe_us]
vendor = "stripe"
base_url = "{origin}/stripe"
key = {{ env = "STRIPE_US_KEY" }}
"""

JOINED_QUERY = """\
query Joined($customer: ID!) {
  customer(id: $customer) {
    name
    totals { currency ordered { amount } paid { amount } refunded { amount } }
    orders(first: 3) {
      nodes {
        number
        total { amount currency }
        recordedState
        paymentState
        inSync
        payments {
          nodes {
            source { name }
            status
            amount { amount currency }
            method { brand last4 }
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
    return parse(text, registry, Reader(secrets, Path(folder)))


def shown_customer(world: World) -> str:
    """The Salesforce id of a customer whose orders have payments and refunds."""
    refunded = {p.order for p in world.payments if p.order and p.refunded}
    paid_twice = {p.order for p in world.payments if p.order and len(p.refunds) > 1}
    orders = [o for o in world.orders if o.number in refunded and o.customer]
    best = next((o for o in orders if o.number in paid_twice), orders[0])
    customer = next(c for c in world.customers if c.key == best.customer)
    return customer.sources["salesforce"]


async def demonstrate(
    sandbox: Sandbox, settings: Settings, registry: Registry, listener: socket.socket, once: bool
) -> int:
    """Serves until interrupted, or until the query is answered; 0 if it was without errors."""
    serving = server(settings, registry)
    running = asyncio.create_task(serving.serve(sockets=[listener]))
    try:
        while not serving.started:
            if running.done():
                raise Refusal("the gateway did not start")
            await asyncio.sleep(0.01)
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        answer = await asyncio.to_thread(ask, origin, shown_customer(sandbox.world))
        print(_report(sandbox.origin, origin, answer), flush=True)
        if not once:
            print("\nRunning. Stop with Ctrl-C.", flush=True)
            await running
        return 1 if answer.get("errors") else 0
    finally:
        serving.should_exit = True
        await running


def ask(origin: str, customer: str) -> dict[str, Any]:
    """The joined query over HTTP, as any client would send it."""
    body = {"query": JOINED_QUERY, "variables": {"customer": f"salesforce:customer:{customer}"}}
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{origin}/graphql", msgspec.json.encode(body), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        answer: dict[str, Any] = msgspec.json.decode(response.read())
    return answer


def _report(sandbox: str, gateway: str, answer: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"Sandbox vendors  {sandbox}  (Salesforce /salesforce, Stripe /stripe)",
            f"  truth, calls   {sandbox}/_sandbox/truth  {sandbox}/_sandbox/calls",
            f"GraphQL          {gateway}/graphql  (GraphiQL in a browser)",
            f"Health           {gateway}/healthz  {gateway}/readyz",
            "",
            "A customer of Salesforce with orders, and their payments and refunds at Stripe:",
            "",
            JOINED_QUERY,
            json.dumps(answer, indent=2, ensure_ascii=False),
        ]
    )
