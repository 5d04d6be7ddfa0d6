"""Whose signature an answer carries: UnionPay's own certificate comes inside of every answer.

It counts when it was issued, over middle certificates, by a root that the settings name, when all
of them are valid now, and when its owner is UnionPay: the same authority issues certificates to
merchants too (the official SDK's `CertUtil.verifyCertificate`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.x509 import NameOID

from connectors.errors import Malformed, Misconfigured
from connectors.rsa import Certificate, VerifyingKey

Chain = tuple[Certificate, ...]
"""A certificate, then its issuers up to a root."""

OWNERS = frozenset({"中国银联股份有限公司"})
TEST_OWNERS = OWNERS | {"00040000:SIGN"}
LONGEST = 5
"""Certificates in a chain, at most."""
HASHES = (SHA256, SHA384, SHA512)
TEST_HASHES = (*HASHES, SHA1)


class Trust:
    """Keys of certificates that were found to be UnionPay's. A chain is walked once, and again
    when it is no longer valid: of old and new issuers that stand beside each other, those count
    that are valid now.
    """

    def __init__(
        self,
        source: str,
        roots: Sequence[Certificate],
        clock: Callable[[], datetime],
        *,
        test: bool = False,
    ) -> None:
        self._source = source
        self._roots = roots
        self._clock = clock
        self._owners = TEST_OWNERS if test else OWNERS
        self._hashes = TEST_HASHES if test else HASHES
        self._known: dict[str, Chain] = {}

    def key(self, pem: str) -> VerifyingKey:
        """The key of a certificate; raises SourceError for one that does not count."""
        now = self._clock()
        chain = self._known.get(pem)
        if chain is None or not _is_valid(chain, now):
            chain = self._known[pem] = self._found(self._read(pem), now)
        return chain[0].key

    def _read(self, pem: str) -> Certificate:
        try:
            own = Certificate.read(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise Malformed(self._source, "the answer's certificate cannot be read") from None
        if _owner(own) not in self._owners:
            raise Malformed(self._source, "the answer is signed by somebody else than UnionPay")
        return own

    def _found(self, own: Certificate, now: datetime) -> Chain:
        """A chain that is valid now, whatever the order in which the settings name issuers."""
        chains = list(self._chains((own,)))
        if not chains:
            raise Misconfigured(
                self._source, "the answer's certificate comes from none of root_certs"
            )
        for chain in chains:
            if _is_valid(chain, now):
                return chain
        raise Misconfigured(
            self._source, "the answer's certificate is not valid today: has our clock gone?"
        )

    def _chains(self, below: Chain) -> Iterator[Chain]:
        """Every way from a certificate over its issuers to a root that the settings name."""
        if self._is_root(below[-1]):
            yield below
        elif len(below) < LONGEST:
            for issuer in self._roots:
                if self._issued(issuer, below[-1]):
                    yield from self._chains((*below, issuer))

    def _is_root(self, certificate: Certificate) -> bool:
        own = certificate.x509
        return own.subject == own.issuer and any(own == root.x509 for root in self._roots)

    def _issued(self, issuer: Certificate, certificate: Certificate) -> bool:
        """By name and signature. The library's own check refuses SHA-1 whatever we would like."""
        own, key = certificate.x509, issuer.x509.public_key()
        if own.issuer != issuer.x509.subject or not isinstance(key, RSAPublicKey):
            return False
        try:
            hashed = own.signature_hash_algorithm
            if not isinstance(hashed, self._hashes):
                return False
            key.verify(own.signature, own.tbs_certificate_bytes, PKCS1v15(), hashed)
        except (InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


def _is_valid(chain: Chain, now: datetime) -> bool:
    return all(certificate.is_valid(now) for certificate in chain)


def _owner(certificate: Certificate) -> str | None:
    """The third part of `041@8310000000083040@中国银联股份有限公司@00016495`."""
    names = certificate.x509.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    parts = str(names[0].value).split("@") if names else []
    return parts[2] if len(parts) > 2 else None
