"""Resume tokens: `l:<id>` in a list, `s:<page>:<id>` in a search.

A search resumes by page only, so the page of the row is asked for again and skipped through that
row; the last row of a page names the page that follows and no row.
"""

from __future__ import annotations

import re

from connectors.paging import BadCursor

_LIST = re.compile(r"l:([A-Za-z0-9_]{1,255})")
_SEARCH = re.compile(r"s:([!-~]{0,2000}):([A-Za-z0-9_]{0,255})")


def list_token(native_id: str) -> str:
    return f"l:{native_id}"


def search_token(page: str, native_id: str) -> str:
    return f"s:{page}:{native_id}"


def list_place(token: str) -> str:
    """The id to start after."""
    if match := _LIST.fullmatch(token):
        return match[1]
    raise BadCursor("not a place in this list")


def search_place(token: str) -> tuple[str, str]:
    """The page to ask for and the id to skip through; either may be empty."""
    match = _SEARCH.fullmatch(token)
    if match and (match[1] or match[2]):
        return match[1], match[2]
    raise BadCursor("not a place in this search")
