"""WeChat Pay, simulated: API v3 with its signatures, daily bills and complaints; one merchant."""

from __future__ import annotations

from starlette.types import ASGIApp, Scope

from sandbox.simulator import Context, Credentials, Vendor
from sandbox.wechatpay.app import WeChatPayApp
from sandbox.wechatpay.errors import error_answer
from sandbox.wechatpay.identity import Identity, claimed
from sandbox.wechatpay.manners import Manners
from sandbox.wechatpay.numbers import native_id
from sandbox.world import Account, World

ACCOUNT = Account(
    "wechat_cn",
    "wechatpay",
    "payments",
    ("CNY",),
    # A bill tells of what was paid, so a payment that was not could be found by nobody.
    lacks=frozenset({"PENDING", "REQUIRES_ACTION", "AUTHORIZED", "FAILED", "CANCELED", "UNKNOWN"})
    | {"dispute lost", "dispute won", "instalments", "second try", "release", "customers"},
    methods=("balance", "card", "ecny"),
    deducts=("coupon", "promotion"),
)


def credentials(context: Context) -> Credentials:
    """Named like the keys of the gateway's source."""
    own = Identity.of(context)
    return {
        ACCOUNT.name: {
            "base_url": f"{context.origin}/wechatpay",
            "mchid": own.mchid,
            "serial_no": own.serial_no,
            "private_key": own.private_key,
            "certificate": own.certificate,
            "apiv3_key": own.apiv3_key,
            "public_key_id": own.public_key_id,
            "public_key": own.public_key,
            "reference": "attach",
        }
    }


def account_of(context: Context, scope: Scope) -> str | None:
    member = claimed(scope).get("mchid")
    return ACCOUNT.name if member == Identity.of(context).mchid else None


def simulated(manners: Manners) -> Vendor:
    """WeChat Pay on a day on which it behaves as `manners` say."""

    def app(world: World, context: Context) -> ASGIApp:
        return WeChatPayApp(world, context, ACCOUNT, manners)

    return Vendor("wechatpay", (ACCOUNT,), native_id, app, credentials, error_answer, account_of)


VENDOR = simulated(Manners())
