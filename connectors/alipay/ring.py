"""Our key and Alipay's: what is signed, what is accepted, and what must be renewed soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from connectors.alipay.certificates import root_serial_number, serial_number
from connectors.errors import Malformed, Misconfigured, SourceError
from connectors.rsa import Certificate, SigningKey, VerifyingKey, expiry_notes
from connectors.secret import Secret

if TYPE_CHECKING:
    from connectors.alipay.settings import AlipaySettings

T = TypeVar("T")
WRONG = "the answer's signature is wrong"
MISSING = "the answer's signature is missing"


class Ring:
    """The keys of one source. Raises ValueError that begins with the setting's name.

    `serials` are our certificate's number and the root's, which every request names; None without
    certificates.
    """

    def __init__(self, settings: AlipaySettings) -> None:
        self._signing = _read("private_key", settings.private_key, SigningKey.read)
        self._key: VerifyingKey | None = None
        self._certificates: dict[str, Certificate] = {}
        self._own: Certificate | None = None
        self.serials: tuple[str, str] | None = None
        given = (settings.app_cert, settings.alipay_root_cert, *settings.alipay_certs)
        if not any(given):
            self._read_key(settings)
        elif settings.alipay_public_key is not None:
            raise ValueError("alipay_public_key: certificates take its place, give either")
        else:
            self._read_certificates(settings)

    def _read_key(self, settings: AlipaySettings) -> None:
        if settings.alipay_public_key is None:
            raise ValueError("alipay_public_key: needed, or certificates in its place")
        self._key = _read(
            "alipay_public_key", settings.alipay_public_key, lambda s: VerifyingKey.read(s.reveal())
        )

    def _read_certificates(self, settings: AlipaySettings) -> None:
        own = _read("app_cert", settings.app_cert, lambda s: Certificate.read(s.reveal()))
        with _named("app_cert"):
            self._check_pair(own)
        root = settings.alipay_root_cert
        self._own = own
        self.serials = (
            serial_number(own.x509),
            _read("alipay_root_cert", root, lambda s: root_serial_number(s.reveal())),
        )
        for secret in settings.alipay_certs or (None,):
            found = _read("alipay_certs", secret, lambda s: Certificate.read_all(s.reveal()))
            self._certificates |= {serial_number(c.x509): c for c in found}
        if not self._certificates:
            raise ValueError("alipay_certs: not a certificate in PEM")

    def _check_pair(self, own: Certificate) -> None:
        if not own.key.accepts(b"pair", self._signing.sign(b"pair")):
            raise ValueError("not the certificate of private_key")

    def sign(self, message: bytes) -> str:
        return self._signing.sign(message)

    def check(
        self, source: str, message: bytes, signature: str | None, serial: str | None, now: datetime
    ) -> SourceError | None:
        """What is wrong with an answer's signature; `serial` names Alipay's certificate."""
        if not signature:
            return Malformed(source, MISSING)
        key = self._key
        if key is None:
            certificate = self._certificates.get(serial or "")
            if certificate is None:
                return Misconfigured(source, "the answer is signed by a certificate not configured")
            if not certificate.is_valid(now):
                return Misconfigured(source, "Alipay's certificate is not valid today")
            key = certificate.key
        return None if key.accepts(message, signature) else Malformed(source, WRONG)

    def notes(self, now: datetime) -> tuple[str, ...]:
        """Sentences about certificates that end soon."""
        own = [("the application's certificate", self._own.ends)] if self._own else []
        theirs = [(f"Alipay's certificate {s}", c.ends) for s, c in self._certificates.items()]
        return expiry_notes([*own, *theirs], now)

    def __repr__(self) -> str:
        return "Ring(***)"


def _read(name: str, secret: Secret | None, read: Callable[[Secret], T]) -> T:
    with _named(name):
        if secret is None:
            raise ValueError("needed for certificate mode")
        return read(secret)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
