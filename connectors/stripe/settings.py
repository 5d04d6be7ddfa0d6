"""The keys of a `[sources.NAME]` table whose vendor is Stripe."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from connectors.secret import Secret
from connectors.vendor import SourceSettings


class StripeSettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key` is a secret or restricted key with read access; test keys reach test data.

    `reference_key` names the metadata entry of a payment that holds the merchant's order number.
    `search_lag` in seconds is how far Stripe's search index is taken to be behind: what was made
    within it is read from a consistent list. `account` is a connected account, `acct_...`.
    `list_pages` bounds the pages of 100 payments that are listed to find a reference where Stripe
    offers the account no search.
    """

    key: Secret
    api_version: str = "2026-10-28.endive"
    reference_key: str = "order_id"
    search_lag: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 60.0
    account: str | None = None
    list_pages: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10

    def __post_init__(self) -> None:
        for name, value in (
            ("key", self.key.reveal()),
            ("api_version", self.api_version),
            ("account", self.account or "-"),
        ):
            # They become headers.
            if not re.fullmatch(r"[!-~]{1,512}", value):
                raise ValueError(f"{name}: holds spaces or letters that Stripe's never have")
