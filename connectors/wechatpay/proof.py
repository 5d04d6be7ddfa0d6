"""The signature on what WeChat sends: answers and notifications alike.

https://pay.weixin.qq.com/doc/v3/merchant/4013053249: five headers, and the signature is of
`timestamp\\nnonce\\nbody\\n` with the exact bytes of the body, which a 204 has none of.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.rsa import VerifyingKey
from connectors.wechatpay.signing import SCHEME

TOLERANCE = timedelta(seconds=300)
PROBE = "WECHATPAY/SIGNTEST/"
"""How a signature begins with which WeChat tries whether wrong ones are noticed."""


class Unproven(ValueError):
    """Why a signature does not prove that WeChat sent this; never quotes what was sent."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """`serial` names the key: an id of a public key, or a platform certificate's serial number."""

    timestamp: str
    nonce: str
    serial: str
    signature: str

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Proof:
        """From headers with lower-case names. Raises Unproven."""
        found = {name: headers.get(f"wechatpay-{name}", "") for name in cls.__struct_fields__}
        if not all(found.values()):
            raise Unproven("the answer is not signed")
        if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise Unproven("the answer is signed in a way that was not asked for")
        return cls(**found)

    def check(self, body: bytes, key: VerifyingKey, now: datetime) -> None:
        """Raises Unproven unless `key` signed this within the five minutes around `now`."""
        if self.signature.startswith(PROBE):
            raise Unproven("the answer's signature is wrong, on purpose: a probe")
        if not key.accepts(self._message(body), self.signature):
            raise Unproven("the answer's signature is wrong")
        if abs(now - self._moment()) >= TOLERANCE:
            raise Unproven("the answer's signature is of another time: is this machine's clock so?")

    def _message(self, body: bytes) -> bytes:
        return f"{self.timestamp}\n{self.nonce}\n".encode() + body + b"\n"

    def _moment(self) -> datetime:
        if len(self.timestamp) > 12 or not self.timestamp.isdecimal():
            raise Unproven("the answer's signature has no time")
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(self.timestamp))
