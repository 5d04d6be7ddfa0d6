"""The keys of a `[sources.NAME]` table whose vendor is UnionPay."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm

from connectors.references import ReferencePattern
from connectors.rsa import Certificate
from connectors.secret import Secret
from connectors.unionpay.identity import Identity, from_pem, from_pfx
from connectors.vendor import SourceSettings


class UnionPaySettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`merchant_id` is the merId of 15 letters and digits; `access_type` "2" is a platform's.

    Our key is `private_key` and `certificate` in PEM, or `pfx`, the base64 of the `.pfx` file, with
    `pfx_password`. `root_certs` is the PEM of all root and middle certificates that UnionPay's own
    may come from; several of each may stand there while they are changed.

    `environment` "test" speaks to UnionPay's test hosts and accepts what its test certificates are:
    signed with SHA-1, and some of another owner. `files_url` replaces the address of settlement
    files as `base_url` does the gateway's.

    `reference` says which field carries the merchant's order number, `reference_pattern` where it
    is in that field. A settlement file is asked for from `file_hour` o'clock in Beijing on the day
    after; a day whose file is not there `empty_after` days later had no transactions.
    """

    merchant_id: str
    private_key: Secret | None = None
    certificate: Secret | None = None
    pfx: Secret | None = None
    pfx_password: Secret | None = None
    root_certs: Secret
    environment: Literal["production", "test"] = "production"
    files_url: str | None = None
    access_type: Literal["0", "2"] = "0"
    reference: Literal["order_id", "req_reserved"] = "order_id"
    reference_pattern: str | None = None
    file_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 9
    empty_after: Annotated[int, msgspec.Meta(ge=1, le=90)] = 3

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]{15}", self.merchant_id):
            raise ValueError("merchant_id: 15 letters and digits")
        self.identity()
        self.roots()
        try:
            self.pattern()
        except ValueError as error:
            raise ValueError(f"reference_pattern: {error}") from None

    def identity(self) -> Identity:
        """Raises ValueError that names the key of the settings."""
        if self.pfx and not (self.private_key or self.certificate):
            return from_pfx(self.pfx, self.pfx_password or Secret(""))
        if self.private_key and self.certificate and not self.pfx:
            return from_pem(self.private_key, self.certificate)
        raise ValueError("private_key: give it with certificate, or pfx with pfx_password")

    def roots(self) -> tuple[Certificate, ...]:
        """Raises ValueError where there is none."""
        try:
            found = tuple(Certificate.read_all(self.root_certs.reveal()))
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("root_certs: a certificate that cannot be read") from None
        if not found:
            raise ValueError("root_certs: holds no certificate in PEM")
        return found

    def pattern(self) -> ReferencePattern:
        return ReferencePattern(self.reference_pattern)
