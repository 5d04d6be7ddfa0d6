"""UnionPay, simulated: queries and settlement files of ACP 5.1.0, one merchant.

Only what a settlement file can tell happens there: money that was taken, and that went back.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Scope

from sandbox.simulator import Context, Credentials, Vendor
from sandbox.unionpay.app import UnionPayApp
from sandbox.unionpay.ids import ACCOUNT, MERCHANT, full_id, native_id
from sandbox.unionpay.keys import ring
from sandbox.unionpay.replies import error_answer
from sandbox.world import Account, World

NEVER = frozenset(
    {
        *("PENDING", "REQUIRES_ACTION", "AUTHORIZED", "FAILED", "CANCELED", "UNKNOWN"),
        *("refund PENDING", "refund FAILED", "refund CANCELED"),
        *("dispute needs_response", "dispute lost", "dispute won", "dispute warning_closed"),
        *("second try", "release", "customers"),
    }
)
ACCOUNTS = (
    Account(ACCOUNT, "unionpay", "payments", ("CNY",), lacks=NEVER, methods=("card", "qr")),
)


def app(world: World, context: Context) -> ASGIApp:
    return UnionPayApp(world, context)


def credentials(context: Context) -> Credentials:
    keys = ring()
    return {
        ACCOUNT: {
            "base_url": f"{context.origin}/unionpay",
            "files_url": f"{context.origin}/unionpay/filedownload",
            "merchant_id": MERCHANT,
            "private_key": keys.merchant.key_pem(),
            "certificate": keys.merchant.pem(),
            "root_certs": keys.roots_pem(),
            "reference": "req_reserved",
        }
    }


def account_of(context: Context, scope: Scope) -> str | None:
    """Who calls stands in the form, which nobody has read yet; there is only one merchant."""
    return ACCOUNT


VENDOR = Vendor(
    "unionpay", ACCOUNTS, native_id, app, credentials, error_answer, account_of, full_id
)
