"""Whose signature an answer carries: UnionPay's own certificate comes inside of every answer.

It counts when it was issued, over middle certificates, by a root that the settings name, when all
of them are valid now, and when its owner is UnionPay: the same authority issues certificates to
merchants too (the official SDK's `CertUtil.verifyCertificate`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.x509 import NameOID

from connectors.errors import Malformed, Misconfigured
from connectors.rsa import Certificate, VerifyingKey

OWNERS = frozenset({"中国银联股份有限公司"})
TEST_OWNERS = OWNERS | {"00040000:SIGN"}
LONGEST = 5
"""Certificates in a chain, at most."""
HASHES = (SHA256, SHA384, SHA512)
TEST_HASHES = (*HASHES, SHA1)


class Trust:
    """Keys of certificates that were found to be UnionPay's; each chain is walked once."""

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
        self._known: dict[str, tuple[Certificate, ...]] = {}

    def key(self, pem: str) -> VerifyingKey:
        """The key of a certificate; raises SourceError for one that does not count."""
        chain = self._known.get(pem) or self._checked(pem)
        now = self._clock()
        if not all(certificate.is_valid(now) for certificate in chain):
            raise Misconfigured(
                self._source, "the answer's certificate is not valid today: has our clock gone?"
            )
        self._known[pem] = chain
        return chain[0].key

    def _checked(self, pem: str) -> tuple[Certificate, ...]:
        try:
            own = Certificate.read(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise Malformed(self._source, "the answer's certificate cannot be read") from None
        if _owner(own) not in self._owners:
            raise Malformed(self._source, "the answer is signed by somebody else than UnionPay")
        return self._chain(own)

    def _chain(self, own: Certificate) -> tuple[Certificate, ...]:
        """The certificate and its issuers, up to a root that the settings name."""
        chain = [own]
        while not self._is_root(chain[-1]):
            above = next((root for root in self._roots if self._issued(root, chain[-1])), None)
            if above is None or len(chain) == LONGEST:
                raise Misconfigured(
                    self._source, "the answer's certificate comes from none of root_certs"
                )
            chain.append(above)
        return tuple(chain)

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


def _owner(certificate: Certificate) -> str | None:
    """The third part of `041@8310000000083040@中国银联股份有限公司@00016495`."""
    names = certificate.x509.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    parts = str(names[0].value).split("@") if names else []
    return parts[2] if len(parts) > 2 else None
