"""The keys of a `[sources.NAME]` table whose vendor is Kingdee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec

from connectors.kingdee.names import check_names, is_name
from connectors.kingdee.preset import CURRENCIES, PRESET
from connectors.mapping import MappedSettings, Preset
from connectors.secret import Secret

CHUNK = 500
"""Keys of one query."""
PAGE = 2000
"""Rows of one answer, at most, by Kingdee's documentation."""


class KingdeeSettings(MappedSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`base_url` is the server with its path, `https://HOST/k3cloud/`; `acct_id` the data centre;
    `username`, `app_id` and `app_secret` those of an integration user and its app.

    `auth`: "app_secret" and "sign" log in to a session, "signature" signs each call; `org_num`
    counts with "signature". `login_results` are the LoginResultType values of a good login.

    `keys` names the field with the internal id of forms where it is not FID. `chunk` is how many
    keys one query holds and `page_size` how many rows one answer has. `ignores_case` says that the
    server's database compares texts without case, so that e-mails can be searched for.
    """

    PRESET: ClassVar[Preset] = PRESET

    base_url: str
    acct_id: str
    username: str
    app_id: str
    app_secret: Secret
    auth: Literal["app_secret", "sign", "signature"] = "app_secret"
    lcid: int = 2052
    org_num: int = 0
    zone: str | None = "Asia/Shanghai"
    login_results: tuple[int, ...] = (1,)
    keys: Mapping[str, str] = {}
    chunk: Annotated[int, msgspec.Meta(ge=1, le=1000)] = CHUNK
    page_size: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = PAGE
    ignores_case: bool = False

    def __post_init__(self) -> None:
        currencies = {**CURRENCIES, **self.currencies}
        msgspec.structs.force_setattr(self, "currencies", currencies)
        super().__post_init__()
        if urlsplit(self.base_url).path in ("", "/"):
            raise ValueError("base_url: has no path; it is like https://HOST/k3cloud/")
        for name in ("acct_id", "username", "app_id"):
            if not (value := getattr(self, name)) or not value.isprintable() or "," in value:
                raise ValueError(f"{name}: empty, or with letters that Kingdee's never have")
        check_names(self.mapping)
        for form, field in self.keys.items():
            if not (is_name(form) and is_name(field)):
                raise ValueError(f"keys: {form!r} or {field!r} is no form or field of Kingdee")
