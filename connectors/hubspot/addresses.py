"""Where HubSpot's calls go: the classic paths, or those of a dated version.

https://developers.hubspot.com/docs/api-reference/latest/overview: bodies and answers are the same.
"""

from __future__ import annotations

from urllib.parse import quote

CLASSIC = "v3"


class Addresses:
    def __init__(self, version: str) -> None:
        self._dated = "" if version == CLASSIC else f"/{version}"
        self._version = version

    def objects(self, table: str, call: str) -> str:
        """`call` is `batch/read` or `search`."""
        return f"{self._of('objects')}/{_plain(table)}/{call}"

    def properties(self, table: str) -> str:
        return f"{self._of('properties')}/{_plain(table)}"

    def links(self, origin: str, target: str) -> str:
        start = f"/crm/associations{self._dated}" if self._dated else "/crm/v4/associations"
        return f"{start}/{_plain(origin)}/{_plain(target)}/batch/read"

    def schemas(self) -> str:
        return f"/crm-object-schemas/{self._version}/schemas"

    def _of(self, kind: str) -> str:
        return f"/crm/{kind}{self._dated}" if self._dated else f"/crm/{CLASSIC}/{kind}"


def _plain(table: str) -> str:
    return quote(table, safe="")
