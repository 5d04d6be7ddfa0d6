"""The keys of a `[sources.NAME]` table whose vendor is Jiandaoyun."""

from __future__ import annotations

import re

from connectors.mapping import MappedSettings
from connectors.secret import Secret

ADDRESS = "https://api.jiandaoyun.com"
HEX_ID = re.compile(r"[0-9a-f]{24}")


class JiandaoyunSettings(MappedSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`app_id` is the application that holds the forms and `key` an API key that may call it;
    `base_url` is `https://api.jodoo.com` for Jodoo. A mapping's `table` is a form's `entry_id`.

    `ids_in_batches` asks for records by their `_id` in batches, which is not documented; without
    it that is a call for each. `select_fields` asks for mapped fields alone, not for whole records.
    """

    app_id: str
    key: Secret
    ids_in_batches: bool = False
    select_fields: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not HEX_ID.fullmatch(self.app_id):
            raise ValueError("app_id: not 24 hexadecimal digits, as in the application's address")
        if not re.fullmatch(r"[!-~]{1,512}", self.key.reveal()):
            raise ValueError("key: holds spaces or letters that a key never has")
        for place, table in self._tables():
            if not HEX_ID.fullmatch(table):
                raise ValueError(f"{place}: not the entry_id of a form, 24 hexadecimal digits")

    @property
    def address(self) -> str:
        return self.base_url or ADDRESS

    def _tables(self) -> list[tuple[str, str]]:
        """Every form that the mapping names, with its place in the configuration."""
        named = [
            (f"{kind}[{index}].table", declared.table)
            for kind in ("customers", "orders", "receipts", "refunds")
            for index, declared in enumerate(getattr(self.mapping, kind))
        ]
        return named + [
            (f"orders[{index}].lines.table", order.lines.table)
            for index, order in enumerate(self.mapping.orders)
            if order.lines is not None and order.lines.table
        ]
