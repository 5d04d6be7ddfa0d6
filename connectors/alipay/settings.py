"""The keys of a `[sources.NAME]` table whose vendor is Alipay."""

from __future__ import annotations

import re
from typing import Literal

from connectors.alipay.cipher import Cipher
from connectors.alipay.ring import Ring
from connectors.references import ReferencePattern
from connectors.secret import Secret
from connectors.vendor import SourceSettings

_WORD = re.compile(r"[!-~]{1,512}")


class AlipaySettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`app_id` and `private_key` are the application's, the key in PEM or base64 as shown there.

    Answers are checked with `alipay_public_key`, or, in certificate mode, with `alipay_certs`
    (several while Alipay changes its own), `app_cert` and `alipay_root_cert`: all three together.
    `protocol` is the v2 gateway or v3; `charset` that of v2's texts. `encrypt_key` turns on AES.
    `app_auth_token` reads the account of a merchant who authorised this application.

    `family` "ecny" is MYbank's digital yuan (v2 only): `merchant_id` is the merchant there and
    `account_no` the wallet whose flows are its ledger; `books` and `complaints` do not apply.

    `reference_pattern` says which part of `out_trade_no` is your order's number. `books` is the
    ledger that payments and refunds are learnt from: the account log, minutes old and without
    amounts of trades, or the trade bills, a day old. `complaints` False leaves complaints out of
    the ledger, for an application without permission to read them.
    """

    app_id: str
    private_key: Secret
    alipay_public_key: Secret | None = None
    app_cert: Secret | None = None
    alipay_certs: tuple[Secret, ...] = ()
    alipay_root_cert: Secret | None = None
    protocol: Literal["v2", "v3"] = "v2"
    charset: Literal["utf-8", "gbk"] = "utf-8"
    encrypt_key: Secret | None = None
    app_auth_token: Secret | None = None
    family: Literal["trade", "ecny"] = "trade"
    merchant_id: str | None = None
    account_no: str | None = None
    reference_pattern: str | None = None
    books: Literal["account_log", "bill"] = "account_log"
    complaints: bool = True

    def __post_init__(self) -> None:
        self._check_words()
        self._check_family()
        if self.protocol == "v3" and self.charset != "utf-8":
            raise ValueError("charset: v3 speaks utf-8 only")
        Ring(self)
        self.cipher()
        self.pattern()

    def cipher(self) -> Cipher | None:
        """What encrypts contents, None without a key for it."""
        return None if self.encrypt_key is None else Cipher.read(self.encrypt_key)

    def pattern(self) -> ReferencePattern:
        try:
            return ReferencePattern(self.reference_pattern)
        except ValueError as error:
            raise ValueError(f"reference_pattern: {error}") from None

    def _check_words(self) -> None:
        token = self.app_auth_token.reveal() if self.app_auth_token else "-"
        words = {"app_id": self.app_id, "app_auth_token": token}
        for name, value in words.items():
            # They become parameters that are signed, and headers.
            if not _WORD.fullmatch(value) or "," in value:
                raise ValueError(f"{name}: holds letters that Alipay's never have")

    def _check_family(self) -> None:
        if self.family != "ecny":
            return
        if self.protocol != "v2":
            raise ValueError("protocol: digital yuan is spoken by v2 only")
        for name in ("merchant_id", "account_no"):
            if not getattr(self, name):
                raise ValueError(f"{name}: digital yuan needs it")
        if self.books != "account_log":
            raise ValueError("books: digital yuan has its wallet's flows only")
        if not self.complaints:
            raise ValueError("complaints: digital yuan has none to leave out")
