"""`tillgate demo`: simulated vendors and the gateway, in one process, and one joined query.

The gateway knows nothing of the sandbox: it is configured as for real vendors, with the
credentials and mappings that the sandbox gives for its accounts.
"""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec

from auth.rows import PartnerRows, RowRules, TenantRows
from connectors.registry import Registry
from connectors.secret import Secret
from connectors.vendor import SourceSettings
from gateway.access_settings import PolicySettings
from gateway.audit_settings import AuditSettings
from gateway.auth_settings import AuthSettings, EmbeddedSettings
from gateway.demo_clients import PARTNER, ROLES, TENANT, demo_client
from gateway.index_sync import reason, sync_index
from gateway.server import Refusal, server
from gateway.settings import Settings, parse
from gateway.strict import Reader
from gateway.token import fetch_token
from resolvers.index.sync import Outcome, State
from sandbox.server import Server as Sandbox
from sandbox.world import Account, Order, World

DEMO_TOML = """\
[server]
port = {port}
profile = "development"

[store]
url = "sqlite+aiosqlite:///{folder}/tillgate.db"
"""
BOOKS_BEGIN = datetime(2025, 11, 1, tzinfo=UTC)
"""Before the first payment of the simulated world."""

MOST = 12
"""Orders shown, at most."""

JOINED_QUERY = """\
query Joined($numbers: [String!]!) {
  orders(first: 20, filter: {number: {in: $numbers}}) {
    nodes {
      number
      source { name }
      customer { name }
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
"""


def demo_settings(sandbox: Sandbox, registry: Registry, folder: str, port: int = 8000) -> Settings:
    """The gateway's settings for a running sandbox; `folder` holds the store."""
    text, secrets = demo_toml(sandbox, registry, folder, port)
    return parse(text, registry, Reader(secrets, Path(folder)))


def with_demo_clients(
    settings: Settings, folder: str, partner_customers: Sequence[str] = ()
) -> Settings:
    """The same with the embedded issuer, a client for each reader, as loopback allows, and an audit
    log with a key of its own; the partner sees what belongs to these customers (ids of the graph),
    the others everything."""
    embedded = EmbeddedSettings(keys=str(Path(folder) / "keys.json"), demo_clients=True)
    origin = f"http://127.0.0.1:{settings.server.port}"
    rows = RowRules(
        tenants={TENANT: TenantRows(sources=tuple(settings.sources))},
        partners={PARTNER: PartnerRows(customers=tuple(partner_customers))},
        without_partner="all",
    )
    # The same query is shown to all three: of a partner too it says which fields it lacks.
    policy = PolicySettings(partner_mode="filter")
    auth = AuthSettings(resource=origin, embedded=embedded, rows=rows, policy=policy)
    audit = AuditSettings(key=Secret(token_hex()), folder=str(Path(folder) / "audit"))
    return msgspec.structs.replace(settings, auth=auth, audit=audit)


def demo_toml(
    sandbox: Sandbox, registry: Registry, folder: str, port: int
) -> tuple[str, dict[str, str]]:
    """The same as a `tillgate.toml`, and the environment with its secrets."""
    text = DEMO_TOML.format(port=port, folder=folder)
    secrets: dict[str, str] = {}
    # Where several CRMs may know an order, the one that is configured first is believed.
    for account in sorted(sandbox.world.accounts, key=lambda one: one.role != "crm"):
        given = sandbox.credentials[account.name]
        text += _table(account, given, registry[account.vendor].settings, secrets)
        text += sandbox.settings.get(account.name, "")
    return text, secrets


def _table(
    account: Account,
    given: Mapping[str, str],
    settings: type[SourceSettings],
    secrets: dict[str, str],
) -> str:
    """The table of a source, of those of its credentials that its settings have; notes the
    secrets."""
    types = {field.name: str(field.type) for field in msgspec.structs.fields(settings)}
    lines = [f"[sources.{account.name}]", f'vendor = "{account.vendor}"']
    for key, value in given.items():
        if key not in types:
            continue
        text = json.dumps(value)
        if "Secret" in types[key]:
            name = f"{account.name}_{key}".upper()
            secrets[name] = value
            text = f'{{ env = "{name}" }}'
        lines.append(f"{key} = [{text}]" if types[key].startswith("tuple") else f"{key} = {text}")
    return "\n".join(["", *lines, ""])


def shown_orders(world: World) -> list[str]:
    """Numbers of orders of which everything is known: one of every CRM, and together they were paid
    through as many sources as can be, with refunds."""
    paid: defaultdict[str, set[str]] = defaultdict(set)
    for payment in world.payments:
        if payment.order is not None:
            paid[payment.order].add(payment.source)
            paid[payment.order] |= {"refund"} if payment.refunded else set()
    doubtful = {p.order for p in world.payments if p.status == "UNKNOWN"}
    good = [
        order
        for order in world.orders
        if order.number not in doubtful and order.total is not None and order.customer is not None
    ]
    shown: list[Order] = []
    seen: set[str] = set()
    sources = {payment.source for payment in world.payments}
    crms = {order.source for order in good}
    while good and (crms - {o.source for o in shown} or sources - seen) and len(shown) < MOST:
        missing = crms - {order.source for order in shown}
        # A CRM that is not there yet first, then whatever shows most that is new.
        best = max(good, key=lambda o: (o.source in missing, len(paid[o.number] - seen), o.number))
        shown.append(best)
        seen |= paid[best.number]
        good.remove(best)
    return [order.number for order in shown]


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
        tokens = {role: await _demo_token(origin, role) for role in ROLES}
        numbers = shown_orders(sandbox.world)
        answer = await asyncio.to_thread(ask, origin, numbers, tokens["frontend"])
        vendors = dict.fromkeys(account.vendor for account in sandbox.world.accounts)
        print(_report(sandbox.origin, vendors, origin, answer), flush=True)
        print(paces(settings, registry), flush=True)
        for role in ("bi", "partner"):
            other = await asyncio.to_thread(ask, origin, numbers, tokens[role])
            print(_as_seen_by(role, other), flush=True)
        print(_access(tokens, origin), flush=True)
        if not once:
            print("\nRunning. Stop with Ctrl-C.", flush=True)
            await running
        return 1 if answer.get("errors") else 0
    finally:
        serving.should_exit = True
        await running


def partners_customers(world: World, numbers: Sequence[str]) -> list[str]:
    """The customers of half of the orders that are shown: what a partner may see of them."""
    shown = [order for order in world.orders if order.number in numbers]
    by_key = {customer.key: customer for customer in world.customers}
    return [
        f"{order.source}:customer:{by_key[order.customer].sources[order.source]}"
        for order in shown[::2]
        if order.customer is not None
    ]


def paces(settings: Settings, registry: Registry) -> str:
    """The sources that are called faster here than a real account allows by default."""
    faster = [
        f"{name} {rate:g} ({usual:g})"
        for name, own in settings.sources.items()
        for kind, rate in own.rates.items()
        if rate > (usual := registry[own.vendor].limits.rates.get(kind, rate))
    ]
    return f"\nCalls a second, where the demo allows more than the default: {', '.join(faster)}"


def _as_seen_by(role: str, answer: Mapping[str, Any]) -> str:
    """The first order of the same query's answer, and how many values are kept back."""
    orders = (answer.get("data") or {}).get("orders") or {}
    nodes = [node for node in orders.get("nodes") or () if node is not None]
    kept = [error for error in answer.get("errors") or () if "UNAUTHORIZED" in str(error)]
    return "\n".join(
        [
            f"\nThe same as {role}: {len(nodes)} orders, {len(kept)} fields kept back; the first:",
            json.dumps(nodes[:1], indent=2, ensure_ascii=False),
        ]
    )


def _tell_failure(outcome: Outcome) -> None:
    if outcome.state is State.FAILED:
        print(f"{outcome.source}: {outcome.period}: {reason(outcome)}", flush=True)


async def _demo_token(origin: str, role: str) -> str:
    return await asyncio.to_thread(fetch_token, origin, *demo_client(role))


def _access(tokens: Mapping[str, str], origin: str) -> str:
    """A token of each reader, and what to do with it."""
    shown = [f"{role}:\n{token}\n" for role, token in tokens.items()]
    return "\n".join(
        [
            "",
            "Access tokens, good for ten minutes; a new one: tillgate token --demo ROLE",
            *shown,
            f"curl {origin}/graphql -H 'content-type: application/json' \\",
            f'  -H "authorization: Bearer $(tillgate token --demo frontend --url {origin})" \\',
            """  -d '{"query": "{ sources { name } }"}'""",
        ]
    )


def ask(origin: str, numbers: Sequence[str], token: str) -> dict[str, Any]:
    """The joined query over HTTP, as any client would send it."""
    body = {"query": JOINED_QUERY, "variables": {"numbers": list(numbers)}}
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{origin}/graphql",
        msgspec.json.encode(body),
        {"content-type": "application/json", "authorization": f"Bearer {token}"},
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
            "Orders of every CRM, with their payments and refunds in all channels:",
            "",
            JOINED_QUERY,
            json.dumps(answer, indent=2, ensure_ascii=False),
        ]
    )
