"""What WeChat encrypts with the merchant's APIv3 key: certificates and notifications.

AES-256-GCM (https://pay.weixin.qq.com/doc/v3/merchant/4013053420).
"""

from __future__ import annotations

from base64 import b64decode
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """`ciphertext` is base64 with the 16 bytes of the tag at its end."""

    algorithm: Literal["AEAD_AES_256_GCM"] = "AEAD_AES_256_GCM"
    nonce: str
    ciphertext: str
    associated_data: str = ""

    def opened(self, key: bytes) -> bytes:
        """Raises ValueError for another key, or for what was changed on its way."""
        try:
            data = b64decode(self.ciphertext, validate=True)
            bound = self.associated_data.encode()
            return AESGCM(key).decrypt(self.nonce.encode(), data, bound)
        except (InvalidTag, ValueError):
            raise ValueError("not encrypted with this APIv3 key") from None
