"""Client certificates, told by a proxy that ended the TLS connection (RFC 8705, RFC 9440).

Such a header counts only from the addresses of that proxy. Anybody else's is as if it were not
there: whoever reaches us past the proxy cannot claim a certificate.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import unquote_to_bytes

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

MOST = 16 * 1024
"""Bytes of the header, at most."""


class Certificates(msgspec.Struct, frozen=True):
    """`header` is a lower-case name; `proxies` are those whose word counts."""

    header: str
    proxies: tuple[IPv4Network | IPv6Network, ...]

    def thumbprint(self, peer: str | None, values: Sequence[str]) -> str | None:
        """base64url(SHA-256) of the certificate that a trusted proxy tells, else None."""
        if len(values) != 1 or not self._trusts(peer):
            return None
        return thumbprint(values[0])

    def _trusts(self, peer: str | None) -> bool:
        try:
            address = ip_address(peer or "")
        except ValueError:
            return False
        return any(address in network for network in self.proxies)


def thumbprint(value: str) -> str | None:
    """Of `:base64 of DER:` (RFC 9440) or a percent-encoded PEM (nginx's
    `$ssl_client_escaped_cert`); None for anything else."""
    if len(value) > MOST:
        return None
    try:
        if value.startswith(":") and value.endswith(":"):
            found = x509.load_der_x509_certificate(base64.b64decode(value[1:-1], validate=True))
        else:
            found = x509.load_pem_x509_certificate(unquote_to_bytes(value))
    except (ValueError, binascii.Error, x509.InvalidVersion):
        return None
    return base64.urlsafe_b64encode(found.fingerprint(SHA256())).rstrip(b"=").decode()
