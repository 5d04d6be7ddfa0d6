"""The company's OA as an ASGI application: cube interfaces, and tokens for apps."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.books import CHINA
from sandbox.calls import vendor_path
from sandbox.simulator import Answer, Context
from sandbox.weaver.forms import Row, forms
from sandbox.world import World

INTERFACE = "/api/cube/restful/interface/"
LIST = f"{INTERFACE}getModeDataPageList/"
COUNT = f"{INTERFACE}getModeDataPageCount/"
REGISTER = "/api/ec/dev/auth/regist"
APPLY = "/api/ec/dev/auth/applytoken"
FORM = "application/x-www-form-urlencoded"
SYSTEM_ID = "Tillgate"
MOST = 10_000
PAGE = b"<!doctype html><html><body>\xe9\x9d\x9e\xe6\xb3\x95\xe8\xaf\xb7\xe6\xb1\x82</body></html>"
SENSITIVE = ("select ", "update ", "<script")


class Refused(Exception):
    """`content` is the body as it is answered."""

    def __init__(self, content: Any) -> None:
        super().__init__(content)
        self.content = content


class Filtered(Exception):
    """The security filter answers with a page of its own."""


class Simulator:
    """`hidden` are (interface, field) that are not shown; `guarded` asks for a token as well;
    `careless` interfaces leave out a condition that they do not know, and give `most` rows at
    once."""

    def __init__(self, world: World, context: Context) -> None:
        self.accounts = world.accounts
        self.context = context
        digest = hashlib.sha256(f"weaver {context.seed}".encode()).hexdigest()
        self.password, self.app_id = digest[:20], digest[20:40]
        self.forms = forms(world)
        self.hidden: set[tuple[str, str]] = set()
        self.guarded = self.careless = False
        self.most = MOST
        self.secret: str | None = None
        self.tokens: dict[str, datetime] = {}

    @cached_property
    def key(self) -> RSAPrivateKey:
        return generate_private_key(65537, 2048)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            content = self.asked(request, vendor_path(scope), await request.body())
        except Refused as refused:
            content = refused.content
        except Filtered:
            await send_answer(Answer(200, PAGE, "text/html;charset=UTF-8"), send)
            return
        await send_answer(
            Answer(200, msgspec.json.encode(content), "application/json;charset=UTF-8"), send
        )

    def asked(self, request: Request, path: str, body: bytes) -> Any:
        if request.method != "POST":
            raise Filtered
        if path == REGISTER:
            return self.register(request)
        if path == APPLY:
            return self.apply(request)
        if not path.startswith((LIST, COUNT)):
            raise Filtered
        if self.guarded:
            self.check_token(request)
        if not request.headers.get("content-type", "").startswith(FORM):
            raise Refused(failure("datajson不能为空"))
        told = parse_qs(body.decode()).get("datajson", [])
        if len(told) != 1:
            raise Refused(failure("datajson不能为空"))
        if any(word in told[0].casefold() for word in SENSITIVE):
            raise Filtered
        asked = msgspec.json.decode(told[0])
        rows = self.fitting(path.rpartition("/")[2], asked)
        if path.startswith(COUNT):
            return {"status": "1", "result": str(len(rows))}
        return self.page(path.rpartition("/")[2], rows, asked)

    def fitting(self, interface: str, asked: dict[str, Any]) -> list[Row]:
        self.check_header(asked.get("header", {}))
        if interface not in self.forms:
            raise Refused(failure("接口不存在"))
        return [row for row in self.forms[interface] if self.fits(interface, row, asked)]

    def page(self, interface: str, rows: list[Row], asked: dict[str, Any]) -> dict[str, str]:
        pages = asked["pageInfo"]
        if not all(isinstance(pages[name], str) for name in ("pageNo", "pageSize")):
            raise Refused(failure("分页参数错误"))
        number, size = int(pages["pageNo"]), min(int(pages["pageSize"]), self.most)
        shown = [self.shown(interface, row) for row in rows[(number - 1) * size : number * size]]
        return {"status": "1", "result": msgspec.json.encode(shown).decode() if shown else ""}

    def fits(self, interface: str, row: Row, asked: dict[str, Any]) -> bool:
        for field, value in asked["mainTable"].items():
            if field not in row["mainTable"] or (interface, field) in self.hidden:
                if self.careless:
                    continue
                raise Refused(failure("查询失败"))
            if row["mainTable"][field] != value:
                return False
        return True

    def shown(self, interface: str, row: Row) -> Row:
        main = {k: v for k, v in row["mainTable"].items() if (interface, k) not in self.hidden}
        return {**row, "mainTable": main}

    def check_header(self, told: dict[str, str]) -> None:
        """The digest of a time that is not long ago."""
        written = str(told.get("currentDateTime", ""))
        text = f"{SYSTEM_ID}{self.password}{written}"
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        good = hmac.compare_digest(digest, str(told.get("Md5", "")))
        if told.get("systemid") != SYSTEM_ID or not good:
            raise Refused(failure("Md5认证失败"))
        moment = datetime.strptime(written, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
        if abs(self.context.clock() - moment) > timedelta(minutes=10):
            raise Refused(failure("Md5认证失败"))

    def register(self, request: Request) -> dict[str, Any]:
        """Registering again gives another secret."""
        if request.headers.get("appid") != self.app_id or not request.headers.get("cpk"):
            raise Refused({"code": -1, "msg": "appid error", "status": False})
        self.secret = str(uuid.uuid4())
        spk = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {
            "code": 0,
            "msg": "ok",
            "msgShowType": "none",
            "status": True,
            "secrit": self.secret,
            "spk": base64.b64encode(spk).decode(),
        }

    def apply(self, request: Request) -> dict[str, Any]:
        given = self.decrypted(request.headers.get("secret", ""))
        lasting = request.headers.get("time", "1800")
        known = request.headers.get("appid") == self.app_id and given == self.secret
        if not known or not lasting.isdecimal():
            raise Refused({"code": -1, "msg": "secret error", "status": False})
        token = str(uuid.uuid4())
        self.tokens[token] = self.context.clock() + timedelta(seconds=int(lasting))
        return {
            "msg": "获取成功!",
            "code": 0,
            "msgShowType": "none",
            "status": True,
            "token": token,
        }

    def check_token(self, request: Request) -> None:
        ends = self.tokens.get(request.headers.get("token", ""))
        user = self.decrypted(request.headers.get("userid", ""))
        if ends is None or self.context.clock() > ends or not (user or "").isdecimal():
            raise Refused({"code": -1, "msg": "token不存在或者超时", "status": False})

    def decrypted(self, text: str) -> str | None:
        try:
            return self.key.decrypt(base64.b64decode(text), PKCS1v15()).decode()
        except ValueError:
            return None


def failure(text: str) -> dict[str, str]:
    """A refusal of an interface."""
    return {"status": "0", "result": text}
