"""HubSpot, simulated: contacts, companies, deals, orders and line items of one portal.

`portal_of(context)` gives tests the running `Portal`, whose token, scopes, properties and search
index can be changed while it serves.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Scope

from sandbox.hubspot.app import HubspotApp
from sandbox.hubspot.errors import HubspotError, error_answer
from sandbox.hubspot.ids import native_id
from sandbox.hubspot.mapping import settings as settings_of
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import ACCOUNT
from sandbox.simulator import Context, Credentials, Vendor
from sandbox.world import Account, World

__all__ = ["VENDOR", "Portal", "portal_of"]

ACCOUNTS = "hubspot.accounts"


def portal_of(context: Context) -> Portal:
    """The portal that was made for this run."""
    portal: Portal = context.vault[ACCOUNT]
    return portal


def app(world: World, context: Context) -> ASGIApp:
    context.vault[ACCOUNT] = Portal(world, context)
    context.vault[ACCOUNTS] = world.accounts
    return HubspotApp(portal_of(context), context)


def credentials(context: Context) -> Credentials:
    token = portal_of(context).token
    return {ACCOUNT: {"base_url": f"{context.origin}/hubspot", "token": token}}


def account_of(context: Context, scope: Scope) -> str | None:
    """The one portal, when the request carries its token."""
    authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    try:
        portal_of(context).admit(authorization)
    except HubspotError:
        return None
    return ACCOUNT


def settings(context: Context) -> dict[str, str]:
    return {ACCOUNT: settings_of(context.vault[ACCOUNTS])}


VENDOR = Vendor(
    "hubspot",
    (Account(ACCOUNT, "hubspot", "crm"),),
    native_id,
    app,
    credentials,
    error_answer,
    account_of,
    settings=settings,
)
