"""Who may call: sessions that a login opens, and calls that carry signatures of their own."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.types import Scope

from sandbox.kingdee.errors import GatewayError, Refusal, lost_session
from sandbox.simulator import Context

LIFETIME = timedelta(minutes=20)
APART = 300
"""Seconds that a signed time may be off."""
PAD = b"0054f397c6234378b09ca7d3e5debce7"
REFUSED = "用户名或密码错误"


@dataclass(slots=True)
class App:
    """An integration user with its app; `revoked` as an administrator can do it."""

    acct_id: str = "5f0000000000a1"
    username: str = "集成用户"
    secret: str = "0123456789abcdef0123456789abcdef"
    client_id: str = "204399"
    client_secret: str = "c2ltdWxhdG9yLWNsaWVudC1zZWNyZXQh"
    revoked: bool = False

    @property
    def app_id(self) -> str:
        """The client id and, masked, the client's secret."""
        plain = base64.b64decode(self.client_secret)
        masked = bytes(one ^ pad for one, pad in zip(plain, PAD, strict=False))
        return f"{self.client_id}_{base64.b64encode(masked).decode()}"


@dataclass(slots=True)
class Access:
    """The run's app and its sessions; `uses` is after how many calls a session is lost."""

    context: Context
    app: App = field(default_factory=App)
    sessions: dict[str, datetime] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    uses: int | None = None
    logins: int = 0

    def log_in(self, method: str, parameters: Any) -> dict[str, Any]:
        """LoginByAppSecret and LoginBySign; named keys are for newer builds."""
        self.logins += 1
        if isinstance(parameters, dict):
            parameters = [
                parameters.get(name)
                for name in ("acctID", "username", "appId", "appSecret", "lcid")
            ]
        if not isinstance(parameters, list):
            raise Refusal(8, "参数错误")
        app = self.app
        good = [app.acct_id, app.username, app.app_id]
        if method == "LoginByAppSecret":
            right = len(parameters) == 5 and parameters[:4] == [*good, app.secret]
        elif method == "LoginBySign":
            right = len(parameters) == 6 and parameters[:3] == good and self.signed(parameters)
        else:
            raise Refusal(15, "不允许的登录方式")
        return self.opened() if right and not app.revoked else refused()

    def signed(self, parameters: list[Any]) -> bool:
        acct, user, app_id, at, sign, _ = parameters
        if type(at) is not int or abs(at - self.now()) > APART:
            return False
        text = "".join(sorted([acct, user, app_id, self.app.secret, str(at)]))
        return bool(hashlib.sha256(text.encode()).hexdigest() == sign)

    def opened(self) -> dict[str, Any]:
        number = next(self.numbers)
        session = hashlib.sha256(f"{self.context.seed}:{number}".encode()).hexdigest()[:32]
        self.sessions[session] = self.context.clock()
        return {
            **refused(),
            "Message": None,
            "LoginResultType": 1,
            "Context": {
                "UserName": self.app.username,
                "UserId": 100001,
                "DBid": self.app.acct_id,
                "CurrentOrganizationInfo": {"ID": 1, "Name": "总公司"},
                "SessionId": f"asp{session[:20]}",
                "UserLocale": "zh-CN",
            },
            "KDSVCSessionId": session,
            "IsSuccessByAPI": True,
        }

    def admit(self, scope: Scope) -> bool:
        """Whether the call is one with signatures (else it has a session); raises for neither."""
        if header(scope, "x-kd-signature") or header(scope, "x-api-signature"):
            self.check_signatures(scope)
            return True
        session = session_of(scope)
        begun = self.sessions.get(session)
        if begun is None or self.context.clock() - begun > LIFETIME or self.app.revoked:
            raise lost_session()
        self.counted[session] = self.counted.get(session, 0) + 1
        if self.uses is not None and self.counted[session] > self.uses:
            del self.sessions[session]
            raise lost_session()
        self.sessions[session] = self.context.clock()
        return False

    def check_signatures(self, scope: Scope) -> None:
        app, at = self.app, header(scope, "x-api-timestamp")
        nonce, path = header(scope, "x-api-nonce"), quote(scope["path"]).replace("/", "%2F")
        if header(scope, "x-api-clientid") != app.client_id:
            raise GatewayError(4002)
        if not at.isdecimal() or abs(int(at) - self.now()) > APART:
            raise GatewayError(4006)
        text = f"POST\n{path}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{at}\n"
        right = header(scope, "x-api-signheaders") == "x-api-timestamp,x-api-nonce"
        if not right or header(scope, "x-api-signature") != proof(app.client_secret, text):
            raise GatewayError(4002)
        told = decoded(header(scope, "x-kd-appdata"))
        known = told.split(",")[:2] == [app.acct_id, app.username] and told.count(",") == 3
        whole = header(scope, "x-kd-appkey") == app.app_id and known and not app.revoked
        if not whole or header(scope, "x-kd-signature") != proof(app.secret, app.app_id + told):
            raise lost_session()

    def is_ours(self, scope: Scope) -> bool:
        return session_of(scope) in self.sessions or header(scope, "x-kd-appkey") == self.app.app_id

    def now(self) -> float:
        return self.context.clock().timestamp()


def refused() -> dict[str, Any]:
    return {
        "Message": REFUSED,
        "MessageCode": None,
        "LoginResultType": 0,
        "Context": None,
        "KDSVCSessionId": None,
        "FormId": None,
        "RedirectFormParam": None,
        "FormInputObject": None,
        "ErrorStackTrace": None,
        "Lcid": 0,
        "AccessToken": None,
        "KdAccessResult": None,
        "IsSuccessByAPI": False,
    }


def session_of(scope: Scope) -> str:
    cookie = re.search(r"kdservice-sessionid=([^;\s]+)", header(scope, "cookie"))
    return header(scope, "kdservice-sessionid") or (cookie[1] if cookie else "")


def header(scope: Scope, name: str) -> str:
    found = (value for key, value in scope["headers"] if key == name.encode())
    return str(next(found, b"").decode("latin-1"))


def proof(key: str, text: str) -> str:
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
