"""The keys of a `[sources.NAME]` table whose vendor is WeChat Pay."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import msgspec

from connectors.references import ReferencePattern
from connectors.rsa import Certificate, SigningKey, VerifyingKey
from connectors.secret import Secret
from connectors.vendor import SourceSettings

PUBLIC_KEY_ID = re.compile(r"PUB_KEY_ID_[0-9A-Za-z]{1,64}")
_SHAPES = {
    "mchid": re.compile(r"[0-9]{1,32}"),
    "sub_mchid": re.compile(r"[0-9]{1,32}"),
    "serial_no": re.compile(r"[0-9A-Fa-f]{1,64}"),
    "public_key_id": PUBLIC_KEY_ID,
}
APIV3_KEY_BYTES = 32


class WeChatPaySettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mchid` is the merchant's number, `serial_no` that of its API certificate in hex, and
    `private_key` the key that goes with it (`apiclient_key.pem`). `certificate` is that
    certificate (`apiclient_cert.pem`); with it the operator is told before it ends.

    WeChat signs its answers with its public key (`public_key_id`, `public_key`, both of the
    merchant console; `more_public_keys` by id while they are exchanged) or with a platform
    certificate, which is fetched and opened with `apiv3_key`, or given in `platform_certificates`
    as PEM, any number of them.

    Keys and certificates are given as secrets are, so that they may stand in files.

    `sub_mchid` makes this a service provider's source of one of its merchants.

    `reference` is the field of a payment that holds the merchant's order number;
    `reference_pattern` says which part of it (`connectors.references`). `combined`: order numbers
    may be numbers of combined orders (合单). `complaints`: the ledger reads complaints too.
    `ecny_bank_types` are the values of `bank_type` that mean digital yuan, which nobody publishes.
    `bill_hour` is the hour of Beijing from which yesterday's bill is asked for, and `bill_totals`
    whether the sums at a bill's end must be those of its rows. A day of which there is no bill
    `empty_after` days later had no traffic.
    """

    mchid: str
    serial_no: str
    private_key: Secret
    certificate: Secret | None = None
    apiv3_key: Secret | None = None
    public_key_id: str | None = None
    public_key: Secret | None = None
    more_public_keys: Mapping[str, Secret] = {}
    platform_certificates: Secret | None = None
    sub_mchid: str | None = None
    reference: Literal["out_trade_no", "attach"] = "out_trade_no"
    reference_pattern: str | None = None
    combined: bool = False
    complaints: bool = True
    ecny_bank_types: tuple[str, ...] = ("ECNY",)
    bill_hour: Annotated[int, msgspec.Meta(ge=9, le=23)] = 10
    bill_totals: bool = True
    empty_after: Annotated[int, msgspec.Meta(ge=1, le=90)] = 3

    def __post_init__(self) -> None:
        for name, shape in _SHAPES.items():
            value = getattr(self, name)
            if value is not None and not shape.fullmatch(value):
                raise ValueError(f"{name}: not as WeChat Pay writes it")
        if (self.public_key_id is None) != (self.public_key is None):
            raise ValueError("public_key: goes with public_key_id, and neither without the other")
        for name, read in _READERS.items():
            try:
                read(self)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None

    @property
    def signing_key(self) -> SigningKey:
        return SigningKey.read(self.private_key)

    @property
    def public_keys(self) -> dict[str, VerifyingKey]:
        """WeChat's public keys by id."""
        every = dict(self.more_public_keys)
        if self.public_key_id is not None and self.public_key is not None:
            every[self.public_key_id] = self.public_key
        return {name: VerifyingKey.read(key.reveal()) for name, key in every.items()}

    @property
    def known_certificates(self) -> list[Certificate]:
        """The platform certificates that are configured."""
        if self.platform_certificates is None:
            return []
        found = Certificate.read_all(self.platform_certificates.reveal())
        if not found:
            raise ValueError("no certificate in PEM")
        return found

    @property
    def own_certificate(self) -> Certificate | None:
        """The merchant's, when it is configured and is the one that `serial_no` names."""
        if self.certificate is None:
            return None
        found = Certificate.read(self.certificate.reveal())
        if found.serial != int(self.serial_no, 16):
            raise ValueError("another certificate than serial_no names")
        return found

    @property
    def sealing_key(self) -> bytes | None:
        """The APIv3 key, with which WeChat encrypts (AES-256-GCM)."""
        key = self.apiv3_key.reveal().encode() if self.apiv3_key else None
        if key is not None and len(key) != APIV3_KEY_BYTES:
            raise ValueError(f"has {APIV3_KEY_BYTES} characters")
        return key

    @property
    def pattern(self) -> ReferencePattern:
        return ReferencePattern(self.reference_pattern)


def _has_trust(settings: WeChatPaySettings) -> None:
    if not (settings.public_keys or settings.known_certificates or settings.apiv3_key):
        raise ValueError("missing; without it, or apiv3_key, no answer can be believed")


def _more_keys(settings: WeChatPaySettings) -> list[VerifyingKey]:
    if not all(map(PUBLIC_KEY_ID.fullmatch, settings.more_public_keys)):
        raise ValueError("its keys are ids, PUB_KEY_ID_...")
    return [VerifyingKey.read(key.reveal()) for key in settings.more_public_keys.values()]


_READERS: dict[str, Callable[[WeChatPaySettings], object]] = {
    "private_key": lambda s: s.signing_key,
    "certificate": lambda s: s.own_certificate,
    "apiv3_key": lambda s: s.sealing_key,
    "platform_certificates": lambda s: s.known_certificates,
    "more_public_keys": _more_keys,
    "public_key": _has_trust,
    "reference_pattern": lambda s: s.pattern,
}
"""What has to be readable at start, by the key whose fault it is when it is not."""
