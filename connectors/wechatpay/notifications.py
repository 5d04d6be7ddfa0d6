"""What WeChat sends to a merchant by itself: believed, opened, and no more.

https://pay.weixin.qq.com/doc/v3/merchant/4012791861. The same event comes again until it is
acknowledged, with another time, nonce and ciphertext, so it is known by its `id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from connectors.json_reading import read
from connectors.rsa import VerifyingKey
from connectors.wechatpay.payloads import Moment, Payload
from connectors.wechatpay.proof import Proof, Unproven
from connectors.wechatpay.seal import Sealed


class Resource(Sealed, frozen=True, kw_only=True):
    original_type: str | None = None


class _Envelope(Payload, frozen=True, kw_only=True):
    id: str
    create_time: Moment
    event_type: str
    resource: Resource


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """`event_type` such as `TRANSACTION.SUCCESS`; `plaintext` is the JSON of what it is about."""

    id: str
    event_type: str
    created_at: datetime
    original_type: str | None
    plaintext: bytes


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def opened(
    headers: Mapping[str, str],
    body: bytes,
    keys: Mapping[str, VerifyingKey],
    apiv3_key: bytes,
    now: datetime,
) -> Notification:
    """A notification that WeChat did send. `headers` have lower-case names, `keys` are by serial.

    Raises Unproven for one that WeChat did not sign, or not now (its probes too: they must be
    answered with an error); ValueError for one that is not as documented.
    """
    proof = Proof.read(headers)
    if (key := keys.get(proof.serial)) is None:
        raise Unproven("signed with a key that is not known")
    proof.check(body, key, now)
    try:
        envelope = read(_ENVELOPE, body)
    except msgspec.DecodeError:
        raise ValueError("a notification that is not as documented") from None
    return Notification(
        id=envelope.id,
        event_type=envelope.event_type,
        created_at=envelope.create_time,
        original_type=envelope.resource.original_type,
        plaintext=envelope.resource.opened(apiv3_key),
    )
