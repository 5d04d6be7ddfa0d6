"""HubSpot's deliveries: the signatures of its own libraries' tests, and what is not HubSpot's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot.notifications import is_genuine, signature
from connectors.secret import Secret

FILE = Path(__file__).parents[1] / "vectors/hubspot.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]
BY_NAME = {one["name"]: one for one in VECTORS}
V3 = BY_NAME["py-v3"]
SENT = datetime.fromtimestamp(int(V3["timestamp_ms"]) / 1000, UTC)


def signed(case: dict[str, Any]) -> str:
    return signature(
        case["version"],
        Secret(case["client_secret"]),
        case["method"],
        case["uri"] or "",
        case["body"].encode(),
        case["timestamp_ms"] or "",
    )


@pytest.mark.parametrize("case", VECTORS, ids=[one["name"] for one in VECTORS])
def test_the_signature_is_the_published_one(case: dict[str, Any]) -> None:
    assert len(VECTORS) == 9
    assert signed(case) == case["signature"]


def genuine(
    case: dict[str, Any] = V3,
    now: datetime = SENT,
    accepted: tuple[str, ...] = ("v3",),
    **changes: str,
) -> bool:
    case = {**case, **changes}
    headers = {
        "x-hubspot-signature-v3": case["signature"],
        "x-hubspot-request-timestamp": case["timestamp_ms"] or "",
    }
    if case["version"] != "v3":
        headers = {
            "x-hubspot-signature": case["signature"],
            "x-hubspot-signature-version": case["version"],
        }
    secret = Secret(case["client_secret"])
    body = case["body"].encode()
    uri = case["uri"] or ""
    return is_genuine(headers, secret, case["method"], uri, body, now, accepted)


def test_what_hubspot_signed_is_hubspots() -> None:
    assert genuine()
    assert genuine(now=SENT + timedelta(minutes=5))
    assert genuine(BY_NAME["gen-v3-utf8"], datetime.fromtimestamp(1_780_000_000, UTC))


def test_what_was_changed_is_not() -> None:
    assert not genuine(body=V3["body"] + " ")
    assert not genuine(method="post")
    assert not genuine(uri=V3["uri"] + "?x=1")
    assert not genuine(client_secret="another")
    assert not genuine(signature="")
    assert not genuine(signature="é")
    assert not genuine(timestamp_ms=str(int(V3["timestamp_ms"]) + 1))


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "١٢٣", "9" * 16])
def test_what_has_no_time_is_not(timestamp: str) -> None:
    assert not genuine(timestamp_ms=timestamp)


def test_what_is_old_or_of_the_future_is_not() -> None:
    assert not genuine(now=SENT + timedelta(minutes=5, seconds=1))
    assert not genuine(now=SENT - timedelta(minutes=5, seconds=1))


@pytest.mark.parametrize("name", ["py-v1", "py-v2", "py-v2-get", "node-v1", "node-v2-post"])
def test_older_signatures_pass_only_where_they_are_accepted(name: str) -> None:
    case = BY_NAME[name]
    assert not genuine(case)
    assert genuine(case, accepted=(case["version"],))
    assert not genuine(case, accepted=("v1", "v2"), body="x")


def test_the_third_version_does_not_come_without_its_own_header() -> None:
    headers = {
        "x-hubspot-signature": V3["signature"],
        "x-hubspot-signature-version": "v3",
        "x-hubspot-request-timestamp": V3["timestamp_ms"],
    }
    secret = Secret(V3["client_secret"])
    late = SENT + timedelta(days=9)
    body = V3["body"].encode()
    assert not is_genuine(headers, secret, V3["method"], V3["uri"], body, late)


def test_an_address_may_be_signed_with_its_escapes_undone() -> None:
    plain = "https://gateway.example.com/hooks?at=10:30,(x)/é%20"
    escaped = "https://gateway.example.com/hooks?at=10%3A30%2c%28x%29%2Fé%20"
    made = signed({**V3, "uri": plain})
    assert genuine(uri=escaped, signature=made)
    assert genuine(uri=plain, signature=made)
