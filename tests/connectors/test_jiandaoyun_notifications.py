"""Pushed records: signatures made by the vendor's own demo, and everything that is not genuine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.jiandaoyun.notifications import is_genuine, signature
from connectors.secret import Secret

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors/jiandaoyun.json").read_text(encoding="utf-8")
)["deliveries"]
CREATED = next(case for case in VECTORS if case["name"] == "data_create")


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_a_signature_is_the_vendors(case: dict[str, Any]) -> None:
    made = signature(
        case["body"].encode(), Secret(case["secret"]), case["nonce"], case["timestamp"]
    )
    assert made == case["signature"]


def genuine(late: timedelta = timedelta(), **changes: str) -> bool:
    case = {**CREATED, **changes}
    query = {"nonce": case["nonce"], "timestamp": case["timestamp"]}
    now = datetime.fromtimestamp(int(CREATED["timestamp"]), UTC) + late
    headers = {"x-jdy-signature": case["signature"], "x-jdy-deliverid": "1"}
    return is_genuine(headers, query, case["body"].encode(), Secret(case["secret"]), now)


def test_what_the_form_signed_is_genuine() -> None:
    assert genuine()
    assert genuine(late=timedelta(minutes=4))
    assert genuine(signature=CREATED["signature"].upper())


@pytest.mark.parametrize(
    "changes",
    [
        {"body": json.dumps(json.loads(CREATED["body"]))},
        {"body": ""},
        {"nonce": "other"},
        {"secret": "other"},
        {"timestamp": str(int(CREATED["timestamp"]) + 1)},
        {"timestamp": ""},
        {"timestamp": "now"},
        {"timestamp": "٣"},
        {"timestamp": "9" * 400},
        {"signature": ""},
        {"signature": "sha1=" + CREATED["signature"]},
        {"signature": "é"},
    ],
    ids=repr,
)
def test_what_was_changed_is_not(changes: dict[str, str]) -> None:
    assert not genuine(timedelta(), **changes)


@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_an_old_delivery_is_not(late: timedelta) -> None:
    assert not genuine(late=late)
