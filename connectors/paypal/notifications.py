"""What PayPal posts to a merchant by itself: whether it is PayPal's.

https://developer.paypal.com/api/rest/webhooks/rest/. The signature is over the identity of the
delivery, the merchant's own webhook id (which no delivery names) and a CRC-32 of the exact body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit
from zlib import crc32

from cryptography import x509

from connectors.rsa import Certificate

ALGORITHM = "SHA256withRSA"
OWNER = re.compile(r"(?:[A-Za-z0-9-]+\.)*paypal\.com")


def message(headers: Mapping[str, str], webhook_id: str, body: bytes) -> bytes:
    """What is signed: `transmission_id|transmission_time|webhook_id|crc32`, the sum in decimal.

    `headers` have lower-case names. Raises KeyError for a header that is missing.
    """
    delivery = headers["paypal-transmission-id"], headers["paypal-transmission-time"]
    return "|".join([*delivery, webhook_id, str(crc32(body))]).encode()


def may_be_fetched(cert_url: str) -> bool:
    """Whether the certificate's address is one of PayPal's own, over https."""
    try:
        parts = urlsplit(cert_url)
        own = bool(OWNER.fullmatch(parts.hostname or "")) and parts.port in (None, 443)
    except ValueError:
        return False
    return own and parts.scheme == "https" and not (parts.username or parts.password)


def is_genuine(
    headers: Mapping[str, str],
    webhook_id: str,
    body: bytes,
    certificate: Certificate,
    now: datetime,
) -> bool:
    """Whether the owner of `certificate` signed this delivery, and the owner is PayPal.

    That the certificate itself can be trusted is the caller's to see: it comes from an address
    that `may_be_fetched`, over a connection whose own certificate was verified.
    """
    if headers.get("paypal-auth-algo") != ALGORITHM:
        return False
    if not certificate.is_valid(now) or not OWNER.fullmatch(_owner(certificate)):
        return False
    try:
        signed = message(headers, webhook_id, body)
    except KeyError:
        return False
    return certificate.key.accepts(signed, headers.get("paypal-transmission-sig", ""))


def _owner(certificate: Certificate) -> str:
    names = certificate.x509.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[-1].value) if names else ""
