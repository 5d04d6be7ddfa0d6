"""Tokens of the OA itself ("ec-dev"), for one that lets nobody call its interfaces without.

An app is registered once, which gives a secret and the server's RSA key; with the secret under that
key it applies for tokens. The user in whose name it calls is told under the same key.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connectors.errors import Misconfigured, Unauthorized
from connectors.secret import Secret
from connectors.tokens import Token
from connectors.transport import Request, Response, Transport
from connectors.weaver.settings import WeaverSettings

REGISTER = "/api/ec/dev/auth/regist"
APPLY = "/api/ec/dev/auth/applytoken"
_ANY_KEY = "123"
"""Registering asks for a public key of ours and makes nothing of it."""


class _Registered(msgspec.Struct):
    """One letter is missing, or is not: builds differ."""

    key: str = msgspec.field(name="spk")
    secrit: str = ""
    secret: str = ""

    def __repr__(self) -> str:
        return "Registered(***)"


class _Applied(msgspec.Struct):
    token: str

    def __repr__(self) -> str:
        return "Applied(***)"


_REGISTERED = msgspec.json.Decoder(_Registered)
_APPLIED = msgspec.json.Decoder(_Applied)
Registration = tuple[Secret, RSAPublicKey]


class AppTokens:
    """Fetches tokens; `transport` is one of its own, without a token."""

    def __init__(
        self, source: str, transport: Transport, app_id: str, settings: WeaverSettings
    ) -> None:
        self._source = source
        self._transport = transport
        self._app_id = app_id
        self._user_id = settings.user_id or ""
        self._seconds = settings.token_seconds
        self._given = settings.app_secret, settings.public_key
        self._registered: Registration | None = None

    async def fetch(self) -> Token:
        secret, key = self._registered or await self._registration()
        self._registered = secret, key
        headers = {
            "appid": self._app_id,
            "secret": self._sealed(secret.reveal(), key),
            "time": str(self._seconds),
        }
        asked_at = time.monotonic()
        try:
            answer = await self._post(APPLY, headers)
        except Unauthorized:
            self._registered = None  # a registration by somebody else replaces ours
            raise
        token = answer.decode(_APPLIED, self._source).token
        told = {"appid": self._app_id, "token": token, "userid": self._sealed(self._user_id, key)}
        return Token(told, None, asked_at + self._seconds)

    async def _registration(self) -> Registration:
        secret, key = self._given
        if secret is None or key is None:
            answer = await self._post(REGISTER, {"appid": self._app_id, "cpk": _ANY_KEY})
            told = answer.decode(_REGISTERED, self._source)
            secret, key = Secret(told.secrit or told.secret), told.key
        try:
            return secret, public_key(key)
        except ValueError:
            raise Misconfigured(self._source, "public_key is not an RSA key in base64") from None

    def _sealed(self, text: str, key: RSAPublicKey) -> str:
        try:
            return encrypted(text, key)
        except ValueError:
            raise Misconfigured(self._source, "user_id or app_secret is too long") from None

    async def _post(self, path: str, headers: dict[str, str]) -> Response:
        request = Request(path=path, method="POST", headers=headers, repeatable=True)
        return await self._transport.send(request)


def public_key(text: str) -> RSAPublicKey:
    """Of base64 without a frame (X.509). Raises ValueError."""
    try:
        key = load_der_public_key(b64decode("".join(text.split()), validate=True))
    except (ValueError, Base64Error, UnsupportedAlgorithm):
        raise ValueError("not a public key in base64") from None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")
    return key


def encrypted(text: str, key: RSAPublicKey) -> str:
    """RSAES-PKCS1-v1_5 (RFC 8017 section 7.2) in base64; one block. Raises ValueError for
    what does not fit it."""
    return b64encode(key.encrypt(text.encode(), PKCS1v15())).decode()
