"""用友 U8 OpenAPI, simulated: one company's server behind the relay, mounted at `/yonyou`.

`app_of(context)` gives tests the running `YonyouApp`.
"""

from __future__ import annotations

import random

from starlette.types import ASGIApp, Scope

from sandbox.simulator import Context, Credentials, Vendor
from sandbox.world import Account, World
from sandbox.yonyou.app import YonyouApp, query_of
from sandbox.yonyou.keys import ACCOUNT, Keys
from sandbox.yonyou.mapping import SETTINGS
from sandbox.yonyou.refusals import error

__all__ = ["VENDOR", "YonyouApp", "app_of"]

_RUNNING = "yonyou app"


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """Codes as U8 counts them; a line's id is its own."""
    return {"customer": f"{index + 1:08}", "order": f"{index + 1:010}"}.get(kind, f"{index + 1}")


def app_of(context: Context) -> YonyouApp:
    running = context.vault[_RUNNING]
    assert isinstance(running, YonyouApp)
    return running


def app(world: World, context: Context) -> ASGIApp:
    context.vault[_RUNNING] = YonyouApp(world, context)
    return app_of(context)


def credentials(context: Context) -> Credentials:
    keys = Keys.of(context)
    return {
        ACCOUNT: {
            "base_url": f"{context.origin}/{ACCOUNT}",
            "from_account": keys.from_account,
            "to_account": keys.to_account,
            "app_key": keys.app_key,
            "app_secret": keys.app_secret,
        }
    }


def settings(context: Context) -> dict[str, str]:
    return {ACCOUNT: SETTINGS}


def account_of(context: Context, scope: Scope) -> str | None:
    """The one account, when the request shows a good token."""
    return ACCOUNT if Keys.of(context).good(query_of(scope).get("token", "")) else None


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
