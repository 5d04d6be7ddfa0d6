"""A session of the WebAPI: AuthService.LoginByAppSecret and LoginBySign.

The answer is HTTP 200 also for a refusal; `LoginResultType` tells. A session ends after a while
without a word: it is used until it is said to be lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import msgspec

from connectors.errors import Malformed, Unauthorized
from connectors.kingdee.settings import KingdeeSettings
from connectors.kingdee.signing import login_sign
from connectors.tokens import Token
from connectors.transport import Request, Transport

SERVICE = "/Kingdee.BOS.WebApi.ServicesStub.AuthService.{}.common.kdsvc"
JSON = {"content-type": "application/json"}
_ASP = re.compile(r"ASP\.NET_SessionId=([A-Za-z0-9_-]+)")
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)


class _Answer(msgspec.Struct, frozen=True):
    result: int = msgspec.field(name="LoginResultType")
    session: str | None = msgspec.field(default=None, name="KDSVCSessionId")


_DECODER = msgspec.json.Decoder(_Answer)


class Login:
    """Fetches a session; `transport` is one of its own, without a token."""

    def __init__(
        self,
        source: str,
        settings: KingdeeSettings,
        transport: Transport,
        clock: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._settings = settings
        self._transport = transport
        self._clock = clock

    async def fetch(self) -> Token:
        method, parameters = self._parameters()
        body = msgspec.json.encode({"parameters": parameters})
        path = SERVICE.format(method)
        answer = await self._transport.send(
            Request(path=path, method="POST", headers=JSON, body=body, repeatable=True)
        )
        told = answer.decode(_DECODER, self._source)
        if told.result not in self._settings.login_results:
            raise Unauthorized(
                self._source, "the login is refused", code=f"LoginResultType {told.result}"
            )
        if told.session is None or not _SAFE.fullmatch(told.session):
            raise Malformed(self._source, "the login comes without a session")
        cookies = f"kdservice-sessionid={told.session}"
        if asp := _ASP.search(answer.headers.get("set-cookie", "")):
            cookies += f"; ASP.NET_SessionId={asp[1]}"
        return Token({"kdservice-sessionid": told.session, "cookie": cookies})

    def _parameters(self) -> tuple[str, list[str | int]]:
        own = self._settings
        who: list[str | int] = [own.acct_id, own.username, own.app_id]
        if own.auth == "app_secret":
            return "LoginByAppSecret", [*who, own.app_secret.reveal(), own.lcid]
        now = int(self._clock().timestamp())
        return "LoginBySign", [*who, now, login_sign(own, now), own.lcid]
