"""Who is calling: apps log in with id and secret and then show a token."""

from __future__ import annotations

import base64
import binascii
import itertools
import string
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from starlette.types import Scope

from sandbox.paypal.errors import LoginError, PaypalError, bad_token
from sandbox.paypal.ids import client, derived
from sandbox.simulator import Context
from sandbox.world import Account

LIFETIME = timedelta(seconds=32_400)
HOME = "https://uri.paypal.com/services/"
REPORTS, DISPUTES, PAYMENTS = (
    HOME + path for path in ("reporting/search/read", "disputes/read-seller", "payments/payment")
)
APPS = {"whole": (PAYMENTS, REPORTS, DISPUTES), "payments": (PAYMENTS,)}
LETTERS = string.ascii_letters + string.digits + "-_"


@dataclass(frozen=True, slots=True)
class App:
    account: str
    secret: str
    scopes: tuple[str, ...]


@dataclass(slots=True)
class KeyRing:
    """The run's apps by client id, and the tokens that were given out."""

    context: Context
    apps: dict[str, App]
    tokens: dict[str, tuple[App, datetime]] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, context: Context, accounts: tuple[Account, ...]) -> KeyRing:
        """The run's one key ring."""
        if "paypal" not in context.vault:
            apps = {}
            for account, (app, scopes) in itertools.product(accounts, APPS.items()):
                client_id, secret = client(context, account.name, app)
                apps[client_id] = App(account.name, secret, scopes)
            context.vault["paypal"] = cls(context, apps)
        ring = context.vault["paypal"]
        assert isinstance(ring, cls)
        return ring

    def log_in(self, scope: Scope, body: str) -> dict[str, Any]:
        """The answer of the token endpoint."""
        client_id, secret = basic(scope)
        app = self.apps.get(client_id)
        if app is None or app.secret != secret:
            raise LoginError(401, "invalid_client", "Client Authentication failed")
        if parse_qs(body).get("grant_type") != ["client_credentials"]:
            raise LoginError(400, "unsupported_grant_type", "Grant Type is NULL")
        number = next(self.numbers)
        token = "A21AA" + derived(self.context.seed, number, length=90, alphabet=LETTERS)
        now = self.context.clock()
        self.tokens[token] = (app, now + LIFETIME)
        return {
            "scope": " ".join(app.scopes),
            "access_token": token,
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": int(LIFETIME.total_seconds()),
            "nonce": now.strftime("%Y-%m-%dT%H:%M:%SZ") + derived(number, length=43),
        }

    def app_of(self, scope: Scope) -> App | None:
        """Whose token a request shows, if it is good."""
        app, ends = self.tokens.get(bearer(scope), (None, None))
        return app if app and ends and self.context.clock() < ends else None

    def admit(self, scope: Scope, needs: str) -> str:
        """The account that is called, or 401, or 403 without the scope `needs`."""
        app = self.app_of(scope)
        if app is None:
            raise bad_token()
        if needs not in app.scopes:
            raise PaypalError("NOT_AUTHORIZED")
        return app.account


def header(scope: Scope, name: str) -> str:
    wanted = name.lower().encode()
    found = (value for key, value in scope["headers"] if key == wanted)
    return str(next(found, b"").decode("latin-1"))


def bearer(scope: Scope) -> str:
    scheme, _, rest = header(scope, "authorization").partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else ""


def basic(scope: Scope) -> tuple[str, str]:
    scheme, _, rest = header(scope, "authorization").partition(" ")
    try:
        pair = base64.b64decode(rest, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        pair = ""
    user, _, password = pair.partition(":")
    return unquote_plus(user), unquote_plus(password)
