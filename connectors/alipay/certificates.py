"""The serial numbers under which Alipay and its callers name certificates to each other.

A number is the MD5 in hex of the issuer's name, outermost part last, and the decimal serial
(https://opendocs.alipay.com/common/02khjv). The root's is that of all its RSA certificates.
"""

from __future__ import annotations

import hashlib
import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_RSA_SIGNATURES = "1.2.840.113549.1.1."


def serial_number(certificate: x509.Certificate) -> str:
    """32 hex digits, such as `alipay_cert_sn` in an answer."""
    parts = [a for rdn in reversed(certificate.issuer.rdns) for a in rdn]
    issuer = ",".join(f"{a.rfc4514_attribute_name}={a.value!s}" for a in parts)
    text = f"{issuer}{certificate.serial_number}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def root_serial_number(bundle: str) -> str:
    """Of the bundle's certificates that are signed with RSA; others have no part in it.

    The bundle also holds certificates of SM2, whose keys nothing here can read: only their
    signature's algorithm is looked at. Raises ValueError.
    """
    numbers = [number for pem in _PEM.findall(bundle) if (number := _number_of_rsa(pem))]
    if not numbers:
        raise ValueError("no certificate that is signed with RSA")
    return "_".join(numbers)


def _number_of_rsa(pem: str) -> str | None:
    """None for a certificate that is signed otherwise. Raises ValueError."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        algorithm = certificate.signature_algorithm_oid.dotted_string
        return serial_number(certificate) if algorithm.startswith(_RSA_SIGNATURES) else None
    except UnsupportedAlgorithm:
        return None  # RSA is supported
    except ValueError:
        raise ValueError("a damaged certificate") from None
