"""How a request says whose it is (https://pay.weixin.qq.com/doc/v3/merchant/4012365342)."""

from __future__ import annotations

from connectors.rsa import SigningKey

SCHEME = "WECHATPAY2-SHA256-RSA2048"


def request_message(method: str, path: str, timestamp: int, nonce: str, body: str = "") -> bytes:
    """What is signed of a request; `path` with its query, exactly as it is sent."""
    return f"{method}\n{path}\n{timestamp}\n{nonce}\n{body}\n".encode()


class Signer:
    """One merchant's key. `serial_no` is that of the merchant's certificate, not of WeChat's."""

    def __init__(self, mchid: str, serial_no: str, key: SigningKey) -> None:
        self._who = f'mchid="{mchid}"'
        self._serial = f'serial_no="{serial_no}"'
        self._key = key

    def authorization(
        self, method: str, path: str, timestamp: int, nonce: str, body: str = ""
    ) -> str:
        """The `Authorization` header; `timestamp` in seconds."""
        signature = self._key.sign(request_message(method, path, timestamp, nonce, body))
        members = (
            self._who,
            f'nonce_str="{nonce}"',
            f'timestamp="{timestamp}"',
            self._serial,
            f'signature="{signature}"',
        )
        return f"{SCHEME} {','.join(members)}"
