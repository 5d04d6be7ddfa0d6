"""Jiandaoyun: three forms of one application over the seeded world, mounted at `/jiandaoyun`.

`simulator_of(context)` gives tests the running `Simulator`, whose keys and forms can be changed
while it serves.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Scope

from sandbox.jiandaoyun.errors import error
from sandbox.jiandaoyun.ids import ACCOUNT, api_key, hex_id, native_id
from sandbox.jiandaoyun.mapping import toml
from sandbox.jiandaoyun.simulator import Simulator, bearer
from sandbox.simulator import Context, Credentials, Vendor
from sandbox.world import Account, World

__all__ = ["VENDOR", "Simulator", "simulator_of"]


def simulator_of(context: Context) -> Simulator:
    """The simulator that was made for this run."""
    simulator: Simulator = context.vault[ACCOUNT]
    return simulator


def app(world: World, context: Context) -> ASGIApp:
    context.vault[ACCOUNT] = Simulator(world, context)
    return simulator_of(context)


def credentials(context: Context) -> Credentials:
    return {
        ACCOUNT: {
            "base_url": f"{context.origin}/{ACCOUNT}",
            "app_id": hex_id(context.seed, "app"),
            "key": api_key(context.seed),
        }
    }


def settings(context: Context) -> dict[str, str]:
    """How this company's own forms are mapped."""
    return {ACCOUNT: toml(simulator_of(context).named)}


def account_of(context: Context, scope: Scope) -> str | None:
    """The one account, when the request carries a live key."""
    return ACCOUNT if bearer(scope) in simulator_of(context).keys else None


VENDOR = Vendor(
    name=ACCOUNT,
    accounts=(Account(ACCOUNT, ACCOUNT, "crm"),),
    native_id=native_id,
    app=app,
    credentials=credentials,
    error=error,
    account_of=account_of,
    settings=settings,
)
