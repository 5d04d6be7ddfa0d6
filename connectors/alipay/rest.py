"""v3: an address for each operation, signed headers both ways.

https://opendocs.alipay.com/open-v3/054kaq. A request's signature stands in `Authorization` and is
over it, the verb, the address and the body; an answer's in `alipay-signature`, over its time, its
nonce and its body. With AES the bodies are base64 of what was encrypted.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

import msgspec

from connectors.alipay.cipher import Cipher
from connectors.alipay.errors import CLOCK, denies, refusal
from connectors.alipay.operations import Content, Operation
from connectors.alipay.ring import Ring
from connectors.alipay.settings import AlipaySettings
from connectors.charset import utf8_of
from connectors.errors import Malformed, Misconfigured, SourceError
from connectors.json_reading import read
from connectors.transport import Request, Response

SCHEME = "ALIPAY-SHA256withRSA"
SKEW = timedelta(minutes=15) // timedelta(milliseconds=1)
"""Between an answer's time and ours; what Alipay allows for requests is not published."""
_MILLISECONDS = re.compile(r"[0-9]{1,16}")


class _Verdict(msgspec.Struct, frozen=True):
    code: str | None = None


_VERDICT = msgspec.json.Decoder(_Verdict)


class Rest:
    """Speaks v3 for one application."""

    def __init__(
        self, source: str, settings: AlipaySettings, ring: Ring, clock: Callable[[], datetime]
    ) -> None:
        self._source = source
        self._app_id = settings.app_id
        self._token = settings.app_auth_token
        self._cipher: Cipher | None = settings.cipher()
        self._ring = ring
        self._clock = clock

    def request(self, operation: Operation, content: Content) -> Request:
        path, rest = operation.address(content)
        body = b""
        if operation.verb == "POST":
            body = self._sealed(msgspec.json.encode(rest))
        elif rest:
            # Colons stand as they are: the engine would write them so, and the signature is over
            # what is sent.
            pairs = {key: str(value) for key, value in rest.items()}
            path += "?" + urlencode(pairs, quote_via=quote, safe=":")
        return Request(
            path=path,
            method=operation.verb,
            headers=self._headers(operation.verb, path, body),
            body=body or None,
            repeatable=True,
        )

    def judge(self, response: Response) -> SourceError | None:
        """The verdict on an answer; a success, and a "no" that counts, are rightly signed, and
        so is what is signed.
        """
        refused = self._refusal(response)
        signed = "alipay-signature" in response.headers
        if refused is None or signed or denies(refused):
            return self._checked(response) or refused
        return refused

    def content(self, operation: Operation, response: Response) -> bytes:
        """The JSON of an answer that the judge has passed."""
        try:
            return self._plain(response)
        except ValueError:
            raise Malformed(self._source, "the answer cannot be decrypted") from None

    def _refusal(self, response: Response) -> SourceError | None:
        if response.status < 400:
            return None
        return refusal(self._source, self._code(response), status=response.status)

    def _checked(self, response: Response) -> SourceError | None:
        """What is wrong with the signature, or with the time that it is over: an old answer is
        rightly signed for ever.
        """
        at, nonce, signature, serial = (
            response.headers.get(f"alipay-{name}")
            for name in ("timestamp", "nonce", "signature", "sn")
        )
        signed = f"{at}\n{nonce}\n".encode() + response.body + b"\n"
        now = self._clock()
        return self._ring.check(self._source, signed, signature, serial, now) or self._dated(
            at or "", now
        )

    def _dated(self, at: str, now: datetime) -> SourceError | None:
        if not _MILLISECONDS.fullmatch(at):
            return Malformed(self._source, "alipay-timestamp: not a time")
        apart = abs(int(at) - int(now.timestamp() * 1000))
        return Misconfigured(self._source, CLOCK) if apart > SKEW else None

    def _code(self, response: Response) -> str | None:
        """A proxy's page is no JSON: then the status alone decides."""
        try:
            return read(_VERDICT, self._plain(response)).code
        except ValueError:
            return None

    def _plain(self, response: Response) -> bytes:
        """The text in UTF-8. Raises ValueError for what cannot be decrypted."""
        encrypted = self._cipher and response.headers.get("alipay-encrypt-type") == "AES"
        if self._cipher is None or not encrypted:
            return utf8_of(response.body)
        return utf8_of(self._cipher.decrypted(response.body))

    def _sealed(self, body: bytes) -> bytes:
        return self._cipher.encrypted(body).encode() if self._cipher else body

    def _headers(self, verb: str, path: str, body: bytes) -> dict[str, str]:
        """Only bodies are encrypted: a GET has none."""
        encrypted = self._cipher is not None and bool(body)
        headers = {
            "authorization": self._authorization(verb, path, body),
            "content-type": "text/plain" if encrypted else "application/json",
            "alipay-request-id": uuid.uuid4().hex,
        }
        if self._cipher:
            headers["alipay-encrypt-type"] = "AES"
        if self._token:
            headers["alipay-app-auth-token"] = self._token.reveal()
        if self._ring.serials:
            headers["alipay-root-cert-sn"] = self._ring.serials[1]
        return headers

    def _authorization(self, verb: str, path: str, body: bytes) -> str:
        certificate = f"app_cert_sn={self._ring.serials[0]}," if self._ring.serials else ""
        told = (
            f"app_id={self._app_id},{certificate}"
            f"nonce={uuid.uuid4()},timestamp={int(self._clock().timestamp() * 1000)}"
        )
        signature = self._ring.sign(self.signed_text(told, verb, path, body))
        return f"{SCHEME} {told},sign={signature}"

    def signed_text(self, told: str, verb: str, path: str, body: bytes) -> bytes:
        token = f"{self._token.reveal()}\n" if self._token else ""
        return f"{told}\n{verb}\n{path}\n".encode() + body + f"\n{token}".encode()
