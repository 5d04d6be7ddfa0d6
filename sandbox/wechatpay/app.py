"""The ASGI application: let in or refuse, answer, sign."""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.behaviour import is_gbk
from sandbox.oddities import as_meant
from sandbox.simulator import Answer, Context
from sandbox.wechatpay.desk import Shop
from sandbox.wechatpay.errors import JSON, WeChatPayError, encoded
from sandbox.wechatpay.gate import admit, target
from sandbox.wechatpay.identity import SCHEME, Identity, header, signature
from sandbox.wechatpay.manners import Manners
from sandbox.wechatpay.routes import answer
from sandbox.wechatpay.store import Store
from sandbox.world import Account, World

Headers = tuple[tuple[str, str], ...]
PROBE = "WECHATPAY/SIGNTEST/"


class WeChatPayApp:
    """One merchant. Answers are signed, those of errors too; files are not."""

    def __init__(self, world: World, context: Context, account: Account, manners: Manners) -> None:
        self.identity = Identity.of(context)
        self.clock = context.clock
        self.manners = manners
        store = Store(world.payments_of(account.name), self.identity.mchid)
        self.shop = Shop(
            store, self.identity, manners, context.origin, context.clock, context.rate_limits
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"WeChat Pay speaks HTTP, not {scope['type']}")
        body = await whole(receive)
        try:
            admit(scope, body, self.identity, self.clock())
            reply = answer(self.shop, scope["method"], target(scope), body)
        except WeChatPayError as error:
            status, content = error.status, error.body
        else:
            if reply.file is not None:
                await send_answer(Answer(200, reply.file, "application/octet-stream"), send)
                return
            status = reply.status
            content = b"" if reply.content is None else encoded(self.manners.told(reply.content))
            content = content if is_gbk() else as_meant(content.decode()).encode()
        await send_answer(Answer(status, content, JSON, self.signed(scope, content)), send)

    def signed(self, scope: Scope, body: bytes) -> Headers:
        """The headers of an answer, with a signature of exactly these bytes."""
        traced = (("Request-ID", f"08{secrets.token_hex(9).upper()}-0"),)
        if self.manners.signs == "not":
            return traced
        serial, key = self.signer(header(scope, "wechatpay-serial"))
        timestamp = str(int(self.clock().timestamp()) + self.manners.off)
        nonce = secrets.token_hex(16)
        message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        return (
            *traced,
            ("Wechatpay-Nonce", nonce),
            ("Wechatpay-Timestamp", timestamp),
            ("Wechatpay-Serial", serial),
            ("Wechatpay-Signature-Type", SCHEME),
            ("Wechatpay-Signature", self.written(key, message)),
        )

    def signer(self, asked: str) -> tuple[str, RSAPrivateKey]:
        """The public key where the request asks for it, else a platform certificate."""
        if self.manners.signs == "stranger":
            return "5157F09EFDC096DE15EBE81A47057A7232F1B8E1", self.identity.public
        if asked == self.identity.public_key_id or self.manners.public_key_only:
            return self.identity.public_key_id, self.identity.public
        certificate = self.identity.platform[self.manners.certificate]
        return certificate.serial, certificate.key

    def written(self, key: RSAPrivateKey, message: bytes) -> str:
        if self.manners.signs == "probe":
            return PROBE + signature(key, message)[len(PROBE) :]
        return signature(key, message + b"!" if self.manners.signs == "wrong" else message)


async def whole(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)
