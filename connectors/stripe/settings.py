"""The keys of a `[sources.NAME]` table whose vendor is Stripe."""

from __future__ import annotations

from connectors.secret import Secret
from connectors.vendor import SourceSettings


class StripeSettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key` is a secret or restricted key with read access; test keys reach test data.

    `reference_key` names the metadata entry of a payment that holds the merchant's order number.
    `search_lag` in seconds is how far Stripe's search index is taken to be behind: what was made
    within it is read from a consistent list. `account` is a connected account, `acct_...`.
    """

    key: Secret
    api_version: str = "2026-10-28.endive"
    reference_key: str = "order_id"
    search_lag: float = 60.0
    account: str | None = None
