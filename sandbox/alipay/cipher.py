"""Contents that only the two sides can read: AES in CBC with a zero vector, in base64."""

from __future__ import annotations

from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from sandbox.alipay.refusals import Refusal


def encrypted(key: bytes, content: bytes) -> str:
    padder, encryptor = PKCS7(128).padder(), Cipher(AES(key), CBC(bytes(16))).encryptor()
    padded = padder.update(content) + padder.finalize()
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypted(key: bytes, text: str) -> bytes:
    decryptor, unpadder = Cipher(AES(key), CBC(bytes(16))).decryptor(), PKCS7(128).unpadder()
    try:
        padded = decryptor.update(b64decode(text, validate=True)) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise Refusal("40002", "isv.invalid-encrypt", "解密出错") from None
