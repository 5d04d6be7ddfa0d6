"""Salesforce: the REST API over the seeded world, mounted at `/salesforce`.

`simulator_of(context)` gives tests the running `Simulator`, whose `hidden` fields, `daily_limit`,
`session_seconds` and `expire_sessions()` can be used while it serves.
"""

from __future__ import annotations

import msgspec
from starlette.types import ASGIApp, Scope

from sandbox.salesforce.ids import native_id
from sandbox.salesforce.keys import connected_app
from sandbox.salesforce.oauth import bearer
from sandbox.salesforce.simulator import MOUNT, Simulator
from sandbox.salesforce.tables import ACCOUNT, PARTY_FIELDS, PAYMENT_FIELDS, REFUND_FIELDS
from sandbox.simulator import Answer, Context, Credentials, Vendor
from sandbox.world import Account, World

__all__ = ["VENDOR", "Simulator", "simulator_of"]

# Status asked for: the status, code and message it has here. There is no 429; what comes nearest
# is the retryable refusal of too many long requests at once.
ERRORS = {
    400: (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    401: (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    403: (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: (404, "NOT_FOUND", "The requested resource does not exist"),
    429: (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded"),
    503: (503, "SERVER_UNAVAILABLE", "Server Unavailable"),
}
UNEXPECTED = (
    "UNKNOWN_EXCEPTION",
    "An unexpected error occurred. Please include this ErrorId if you contact support: 123-456 (1)",
)


def simulator_of(context: Context) -> Simulator:
    """The simulator that was made for this run."""
    simulator: Simulator = context.vault[ACCOUNT]
    return simulator


def app(world: World, context: Context) -> ASGIApp:
    context.vault[ACCOUNT] = Simulator(world, context)
    return simulator_of(context)


def credentials(context: Context) -> Credentials:
    """What a connector needs to log in; all of it made for this run."""
    connected = connected_app(context)
    return {
        ACCOUNT: {
            "client_id": connected.client_id,
            "client_secret": connected.client_secret,
            "username": connected.username,
            "private_key": connected.private_pem(),
            "base_url": context.origin + MOUNT,
        }
    }


SETTINGS = """\
auth = "jwt_bearer"

[[sources.salesforce.customers]]
email = "Email__c"
tier = "Tier__c"
external_ids = {{ {parties} }}
custom = ["AccountNumber"]

[[sources.salesforce.orders]]
refunded_amount = "Refunded_Amount__c"
channel = "Payment_Channel__c"
refund_ids = {{ {refunds} }}
payment_ids = {{ {payments} }}
custom = ["PoNumber"]

[[sources.salesforce.orders.status]]
field = "Status"
words = {{ Fulfilled = "FULFILLED" }}
otherwise = "NEXT"

[[sources.salesforce.orders.status]]
field = "StatusCode"
words = {{ Draft = "DRAFT", Activated = "NEXT", Canceled = "CANCELED", Expired = "CANCELED" }}

[[sources.salesforce.orders.status]]
field = "Payment_Status__c"
words = {{ partial = "PARTIALLY_PAID", paid = "PAID" }}
empty = "PENDING_PAYMENT"
"""


def settings(context: Context) -> dict[str, str]:
    """How this organisation's own fields are mapped; it names the accounts that there are."""
    known = {account.name for account in simulator_of(context).accounts}

    def of_known(fields: dict[str, str]) -> str:
        return ", ".join(f'{name} = "{fields[name]}"' for name in fields if name in known)

    return {
        ACCOUNT: SETTINGS.format(
            parties=of_known(PARTY_FIELDS),
            payments=of_known(PAYMENT_FIELDS),
            refunds=of_known(REFUND_FIELDS),
        )
    }


def error(status: int) -> Answer:
    actual, code, message = ERRORS.get(status, (status, *UNEXPECTED))
    body = msgspec.json.encode([{"message": message, "errorCode": code}])
    return Answer(actual, body, "application/json;charset=UTF-8")


def account_of(context: Context, scope: Scope) -> str | None:
    """The one account, when the request carries a live session."""
    authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    sessions = simulator_of(context).oauth.sessions
    return ACCOUNT if sessions.alive(bearer(authorization)) else None


VENDOR = Vendor(
    name="salesforce",
    accounts=(Account("salesforce", "salesforce", "crm"),),
    native_id=native_id,
    app=app,
    credentials=credentials,
    error=error,
    account_of=account_of,
    settings=settings,
)
