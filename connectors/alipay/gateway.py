"""The v2 gateway: one address, a signed form, and an answer whose JSON is signed as it stands.

https://opendocs.alipay.com/common/02kf5q. The answer is
`{"alipay_trade_query_response": {...}, "sign": "...", "alipay_cert_sn": "..."}`, always HTTP 200.
The text that was signed is the node's own bytes; a node that was encrypted is a string, signed
with its quotes. Answers are in the charset that was asked for, but some, mostly refusals, come in
GBK where UTF-8 was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from connectors.alipay.cipher import Cipher
from connectors.alipay.errors import denies, refusal
from connectors.alipay.operations import Content, Operation
from connectors.alipay.ring import Ring
from connectors.alipay.settings import AlipaySettings
from connectors.beijing import written
from connectors.charset import GB18030, UTF8, codec_of
from connectors.errors import Malformed, SourceError
from connectors.json_reading import members, misfit, read
from connectors.transport import Request, Response

_NODES = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)
OK = "10000"
BUSINESS = "40004"
# GBK's successor reads all that GBK wrote, and gives every text back as it was.
CODECS = {"utf-8": UTF8, "gbk": GB18030}


class _Verdict(msgspec.Struct, frozen=True):
    code: str
    sub_code: str | None = None


_VERDICT = msgspec.json.Decoder(_Verdict)


class Envelope(msgspec.Struct, frozen=True):
    """An answer taken apart: `node` is the JSON in UTF-8, `signed` the bytes that were signed."""

    name: str
    node: bytes
    signed: bytes
    signature: str | None
    serial: str | None


class Gateway:
    """Speaks v2 for one application."""

    def __init__(
        self, source: str, settings: AlipaySettings, ring: Ring, clock: Callable[[], datetime]
    ) -> None:
        self._source = source
        self._charset = settings.charset
        self._codec = CODECS[settings.charset]
        self._cipher: Cipher | None = settings.cipher()
        self._ring = ring
        self._clock = clock
        self._always = _always(settings, ring)

    def request(self, operation: Operation, content: Content) -> Request:
        """Common parameters stand in the address, the content in the form (as in Alipay's SDK)."""
        body = msgspec.json.encode(content)
        text = self._cipher.encrypted(body) if self._cipher else body.decode()
        common = {**self._always, "method": operation.method, "timestamp": written(self._clock())}
        signed = signed_text({**common, "biz_content": text}).encode(self._codec)
        form = urlencode({"biz_content": text}, encoding=self._codec, errors="strict")
        return Request(
            path="/gateway.do",
            method="POST",
            query=(*common.items(), ("sign", self._ring.sign(signed))),
            headers={"content-type": f"application/x-www-form-urlencoded;charset={self._charset}"},
            body=form.encode(),
            repeatable=True,
        )

    def judge(self, response: Response) -> SourceError | None:
        """The verdict on an answer; a success, and a "no" that counts, are rightly signed."""
        if response.status >= 400:
            return refusal(self._source, None, status=response.status)
        try:
            envelope = self._opened(response)
            verdict = Response(200, {}, envelope.node).decode(_VERDICT, self._source)
        except Malformed as error:
            return error
        refused = self._refusal(verdict)
        # The gateway's own refusals have no signature; what there is, nobody says without.
        if envelope.signature or verdict.code in (OK, BUSINESS) or denies(refused):
            return self._checked(envelope) or refused
        return refused

    def content(self, operation: Operation, response: Response) -> bytes:
        """The JSON of an answer that the judge has passed."""
        envelope = self._opened(response)
        if envelope.name != operation.node:
            raise Malformed(self._source, "the answer is to another question")
        return envelope.node

    def _refusal(self, verdict: _Verdict) -> SourceError | None:
        if verdict.code == OK:
            return None
        return refusal(self._source, verdict.sub_code, verdict.code)

    def _checked(self, envelope: Envelope) -> SourceError | None:
        return self._ring.check(
            self._source, envelope.signed, envelope.signature, envelope.serial, self._clock()
        )

    def _opened(self, response: Response) -> Envelope:
        """Malformed for what is no answer of this gateway. Bytes that the codec does not read pass
        through, so that the signature is checked over what came.
        """
        codec = self._codec_of(response.body)
        body = response.body.decode(codec, "surrogateescape").encode(UTF8, "surrogateescape")
        nodes = self._members(body)
        name = next((key for key in nodes if key.endswith("_response")), None)
        if name is None:
            raise Malformed(self._source, "the answer is no answer")
        raw = bytes(nodes[name])
        return Envelope(
            name,
            self._plain(raw),
            raw.decode(UTF8, "surrogateescape").encode(codec, "surrogateescape"),
            self._text(nodes.get("sign")),
            self._text(nodes.get("alipay_cert_sn")),
        )

    def _members(self, body: bytes) -> Mapping[str, bytes | msgspec.Raw]:
        """The members as they are written. Those of an answer that is not strictly JSON are cut
        out of it: mended JSON is not what was signed.
        """
        try:
            return _NODES.decode(body)
        except msgspec.ValidationError as error:
            raise Malformed(self._source, misfit(error)) from None
        except (msgspec.DecodeError, RecursionError):
            pass
        try:
            text = body.decode(UTF8, "surrogateescape")
            cut = members(text).items()
            return {name: value.encode(UTF8, "surrogateescape") for name, value in cut}
        except msgspec.DecodeError:
            raise Malformed(self._source, "the answer is not JSON") from None

    def _plain(self, raw: bytes) -> bytes:
        """A refusal may come unencrypted even to an application that encrypts."""
        if self._cipher is None or not raw.startswith(b'"'):
            return raw.decode(UTF8, "replace").encode()
        try:
            node = self._cipher.decrypted(read(_TEXT, raw) or "")
        except (ValueError, msgspec.MsgspecError):
            raise Malformed(self._source, "the answer cannot be decrypted") from None
        return node.decode(self._codec_of(node), "replace").encode()

    def _codec_of(self, raw: bytes) -> str:
        """GBK that was asked for is never taken for UTF-8, as some short texts in it could be."""
        return GB18030 if self._codec == GB18030 else codec_of(raw)

    def _text(self, raw: bytes | msgspec.Raw | None) -> str | None:
        if raw is None:
            return None
        return Response(200, {}, bytes(raw)).decode(_TEXT, self._source)


def _always(settings: AlipaySettings, ring: Ring) -> dict[str, str]:
    """The parameters of every call, but for its method and time."""
    common = {
        "app_id": settings.app_id,
        "format": "JSON",
        "charset": settings.charset,
        "sign_type": "RSA2",
        "version": "1.0",
    }
    if settings.app_auth_token:
        common["app_auth_token"] = settings.app_auth_token.reveal()
    if settings.encrypt_key:
        common["encrypt_type"] = "AES"
    if ring.serials:
        common["app_cert_sn"], common["alipay_root_cert_sn"] = ring.serials
    return common


def signed_text(params: Mapping[str, str]) -> str:
    """`a=1&b=2`: what is not empty, by name, each value as it is."""
    return "&".join(f"{key}={value}" for key, value in sorted(params.items()) if value)
