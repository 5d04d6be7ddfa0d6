"""Who is calling: the secret key, as Bearer or as the user of Basic."""

from __future__ import annotations

import base64
import binascii
import re

from starlette.types import Scope

from sandbox.simulator import Context
from sandbox.stripe.errors import StripeError
from sandbox.stripe.ids import API_VERSION, secret_key
from sandbox.world import Account

RELEASES = ("acacia", "basil", "clover", "dahlia", "endive")
NAMED_SINCE = "2024-09-30"  # versions have a release name from this day on
NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, "
    "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
    "https://stripe.com/docs/api#authentication for details, or we can help at "
    "https://support.stripe.com/."
)
CHALLENGE = (("WWW-Authenticate", 'Bearer realm="Stripe"'),)


def header(scope: Scope, name: str) -> str | None:
    wanted = name.lower().encode()
    for key, value in scope["headers"]:
        if key == wanted:
            return str(value.decode("latin-1"))
    return None


def presented(scope: Scope) -> str | None:
    """The key a request carries, if any."""
    scheme, _, rest = (header(scope, "authorization") or "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


class KeyRing:
    """The keys of this run's accounts."""

    def __init__(self, context: Context, accounts: tuple[Account, ...]) -> None:
        self.owners = {secret_key(context, account.name): account.name for account in accounts}

    @classmethod
    def of(cls, context: Context, accounts: tuple[Account, ...]) -> KeyRing:
        """The run's one key ring."""
        ring = context.vault.get("stripe") or cls(context, accounts)
        context.vault["stripe"] = ring
        assert isinstance(ring, cls)
        return ring

    def owner(self, scope: Scope) -> str:
        """The account whose key this is, or 401."""
        key = presented(scope)
        if key is None:
            raise StripeError(401, NO_KEY, headers=CHALLENGE)
        if key not in self.owners:
            masked = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 16 else "*" * len(key)
            raise StripeError(401, f"Invalid API Key provided: {masked}", headers=CHALLENGE)
        return self.owners[key]


def version(scope: Scope) -> str:
    """The API version a request asks for; the account's default when it does not say."""
    asked = header(scope, "stripe-version")
    if asked is None:
        return API_VERSION
    day, _, release = asked.partition(".")
    dated = re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", day) is not None
    named = release in RELEASES if day >= NAMED_SINCE else not release and "." not in asked
    if not dated or not named or day > API_VERSION[:10]:
        raise StripeError(400, f"Invalid Stripe API version: {asked}")
    return asked
