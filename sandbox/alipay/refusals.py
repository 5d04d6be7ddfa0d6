"""How Alipay says no, in both protocols."""

from __future__ import annotations

import json
from typing import Any

from sandbox.simulator import Answer

MESSAGES = {
    "10000": "Success",
    "20000": "Service Currently Unavailable",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}
# v3's name where it is not the same word without its prefix.
REST_WORDS = {"isv.invalid-timestamp": "illegal-timestamp", "isp.unknow-error": "SYSTEM_ERROR"}
FAULTS = {
    401: ("40002", "isv.invalid-signature"),
    429: ("40005", "isv.app-call-limited"),
    500: ("20000", "isp.unknow-error"),
}
PAGE = b"<html><head><title>%d</title></head><body><center>tengine</center></body></html>"


class Refusal(Exception):
    """`word` is v2's `sub_code`. Business refusals (40004) are signed, the gateway's are not."""

    def __init__(self, code: str, word: str, text: str = "", status: int = 400) -> None:
        super().__init__(word)
        self.code = code
        self.word = word
        self.text = text or word
        self.status = status

    @property
    def signed(self) -> bool:
        return self.code == "40004"

    def node(self) -> dict[str, Any]:
        """As v2 tells it."""
        return {
            "code": self.code,
            "msg": MESSAGES[self.code],
            "sub_code": self.word,
            "sub_msg": self.text,
        }

    def rest(self) -> dict[str, Any]:
        """As v3 tells it."""
        prefix, _, short = self.word.rpartition(".")
        word = self.word if prefix in ("", "ACQ") else REST_WORDS.get(self.word, short)
        link = f"https://opendocs.alipay.com/open/solutions?code={word}"
        return {"code": word, "message": self.text, "links": [{"link": link}]}


def written(value: Any) -> str:
    """JSON with escaped slashes and a space here and there: what a client that verifies its own
    rewriting of an answer will not get back.
    """
    return json.dumps(value, ensure_ascii=False, separators=(", ", ":")).replace("/", "\\/")


def gateway_error(status: int) -> Answer:
    """An injected fault as v2 tells it: with HTTP 200, unless it never reached the gateway."""
    if status not in FAULTS:
        return Answer(status, PAGE % status, "text/html")
    return Answer(200, written({"error_response": Refusal(*FAULTS[status]).node()}).encode())


def rest_error(status: int) -> Answer:
    """An injected fault as v3 tells it."""
    code, word = FAULTS.get(status, FAULTS[500])
    return Answer(status, written(Refusal(code, word).rest()).encode())
