"""By which keys an answer of WeChat's is believed, and where more of them come from.

While a merchant moves from platform certificates to a public key, answers come with both, and
while a certificate is exchanged with either: so keys are looked up by the serial number that an
answer names. A merchant who has only a public key gets 404 for its certificates.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from connectors.errors import Malformed, Misconfigured, RateLimited, Retryable, SourceError
from connectors.rsa import Certificate, VerifyingKey
from connectors.transport import Response
from connectors.wechatpay.payloads import Certificates
from connectors.wechatpay.proof import Proof, Unproven
from connectors.wechatpay.settings import PUBLIC_KEY_ID, WeChatPaySettings

AGAIN = timedelta(minutes=1)
"""An answer with an unknown serial number makes us ask for certificates, but not every time."""
NO_CERTIFICATES = (
    "this merchant has no platform certificates: public_key_id and public_key are needed"
)
_CERTIFICATES = msgspec.json.Decoder(Certificates)
_SERIAL = re.compile(r"[0-9A-Za-z_]{1,80}")

Fetch = Callable[[], Awaitable[Response]]
"""Asks for the certificates, and believes nothing of the answer."""


class Trusted(msgspec.Struct, frozen=True):
    """A key that is WeChat's; without a certificate it does not end."""

    key: VerifyingKey
    certificate: Certificate | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.certificate is None or self.certificate.is_valid(now)


class Trust:
    """The keys of one source. `fetch` is given with each question, so that nothing is circular."""

    def __init__(
        self, source: str, settings: WeChatPaySettings, clock: Callable[[], datetime]
    ) -> None:
        self._source = source
        self._clock = clock
        self._sealing_key = settings.sealing_key
        public = {name: Trusted(key) for name, key in settings.public_keys.items()}
        self._given = {**public, **_by_serial(settings.known_certificates)}
        self._fetched: dict[str, Trusted] = {}
        self._asked: datetime | None = None
        self._asking = asyncio.Lock()

    async def prove(self, response: Response, fetch: Fetch) -> Response:
        """The answer itself, once its signature is right; Malformed or Misconfigured if not."""
        try:
            proof = Proof.read(response.headers)
            key = self._find(proof.serial) or await self._search(proof.serial, fetch)
            proof.check(response.body, key, self._clock())
        except Unproven as error:
            raise Malformed(self._source, str(error), status=response.status) from None
        return response

    async def renew(self, fetch: Fetch) -> None:
        """Fetch the platform certificates; Misconfigured for a merchant who has none."""
        response = await self._fetched_by(fetch)
        entries = response.decode(_CERTIFICATES, self._source).data
        try:
            texts = [e.encrypt_certificate.opened(self._sealing_key or b"") for e in entries]
        except ValueError as error:
            raise Misconfigured(self._source, f"apiv3_key: {error}") from None
        fetched = _by_serial(self._certificates(b"\n".join(texts)))
        self._prove_with({**self._given, **fetched}, response)
        self._fetched = fetched

    async def _fetched_by(self, fetch: Fetch) -> Response:
        try:
            return await fetch()
        except SourceError as error:
            if error.status != 404:
                raise
            raise Misconfigured(self._source, NO_CERTIFICATES, status=404) from None

    def _certificates(self, bundle: bytes) -> list[Certificate]:
        try:
            return Certificate.read_all(bundle.decode())
        except ValueError:
            raise Malformed(self._source, "a certificate that cannot be read") from None

    def _prove_with(self, keys: dict[str, Trusted], response: Response) -> None:
        """What was encrypted for us vouches for the list; the list is signed besides."""
        try:
            proof = Proof.read(response.headers)
            proof.check(response.body, self._valid(proof.serial, keys), self._clock())
        except Unproven as error:
            raise Malformed(self._source, str(error), status=response.status) from None

    @property
    def _keys(self) -> dict[str, Trusted]:
        return {**self._given, **self._fetched}

    def _find(self, serial: str) -> VerifyingKey | None:
        known = self._keys.get(_named(serial))
        return known.key if known and known.is_valid(self._clock()) else None

    def _valid(self, serial: str, keys: Mapping[str, Trusted]) -> VerifyingKey:
        known = keys.get(_named(serial))
        if known is not None and known.is_valid(self._clock()):
            return known.key
        named = serial if _SERIAL.fullmatch(serial) else "of a strange name"
        why = "is not valid now" if known else "is not known"
        raise Misconfigured(self._source, f"the answer is signed with a key that {why}: {named}")

    async def _search(self, serial: str, fetch: Fetch) -> VerifyingKey:
        """Look it up among the newest certificates. Several answers wait for one question."""
        if self._sealing_key and not PUBLIC_KEY_ID.fullmatch(serial):
            async with self._asking:
                if self._find(serial) is None and self._may_ask():
                    await self._ask(fetch)
        return self._valid(serial, self._keys)

    def _may_ask(self) -> bool:
        return self._asked is None or self._clock() - self._asked >= AGAIN

    async def _ask(self, fetch: Fetch) -> None:
        """What fails for the moment is asked again by the next; what is wrong is so for a while."""
        asked, self._asked = self._asked, self._clock()
        try:
            await self.renew(fetch)
        except SourceError as error:
            if isinstance(error, Retryable | RateLimited):
                self._asked = asked
            if error.status != 404:
                raise


def _by_serial(certificates: Iterable[Certificate]) -> dict[str, Trusted]:
    return {f"{c.serial:X}": Trusted(c.key, c) for c in certificates}


def _named(serial: str) -> str:
    """Hex of one spelling; an id of a public key as it is."""
    return serial if PUBLIC_KEY_ID.fullmatch(serial) else serial.lstrip("0").upper()
