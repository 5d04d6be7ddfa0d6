"""PayPal's deliveries: the public message, a signature, and everything that is not PayPal's."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.paypal.notifications import is_genuine, may_be_fetched, message
from connectors.rsa import Certificate

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors/paypal.json").read_text(encoding="utf-8")
)
PUBLIC, OWN = VECTORS["public"], VECTORS["generated"]
NOW = datetime(2026, 1, 2, tzinfo=UTC)
CERTIFICATE = Certificate.read(OWN["cert_pem"])


def delivery(case: dict[str, Any], **changes: str | None) -> dict[str, str]:
    values: dict[str, str | None] = {
        "paypal-transmission-id": case["transmission_id"],
        "paypal-transmission-time": case["transmission_time"],
        "paypal-transmission-sig": case.get("signature"),
        "paypal-auth-algo": "SHA256withRSA",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize("case", [PUBLIC, OWN], ids=["public", "generated"])
def test_the_message_is_the_public_one(case: dict[str, Any]) -> None:
    made = message(delivery(case), case["webhook_id"], case["body"].encode())
    assert made == case["message"].encode()


def genuine(
    body: str = OWN["body"], webhook_id: str = OWN["webhook_id"], **changes: str | None
) -> bool:
    return is_genuine(delivery(OWN, **changes), webhook_id, body.encode(), CERTIFICATE, NOW)


def test_what_paypal_signed_is_paypals() -> None:
    assert genuine()


def test_what_was_changed_is_not() -> None:
    assert not genuine(body=OWN["body"] + " ")
    assert not genuine(webhook_id="another")
    assert not genuine(paypal_transmission_time="2026-01-01T00:00:02Z")
    assert not genuine(paypal_transmission_id=None)
    assert not genuine(paypal_transmission_sig=None)
    assert not genuine(paypal_transmission_sig="AAAA")
    assert not genuine(paypal_auth_algo="SHA1withRSA")


def test_a_certificate_out_of_its_time_proves_nothing() -> None:
    late = datetime(2050, 1, 1, tzinfo=UTC)
    body = OWN["body"].encode()
    assert not is_genuine(delivery(OWN), OWN["webhook_id"], body, CERTIFICATE, late)


@pytest.mark.parametrize(
    ("url", "own"),
    [
        (PUBLIC["cert_url"], True),
        ("https://api.paypal.com/v1/notifications/certs/CERT-1", True),
        ("http://api.paypal.com/cert", False),
        ("https://paypal.com.evil.example/cert", False),
        ("https://evilpaypal.com/cert", False),
        ("https://api.paypal.com@evil.example/cert", False),
        ("https://api.paypal.com:8443/cert", False),
        ("https://[::1/cert", False),
        ("", False),
    ],
)
def test_a_certificate_is_fetched_from_paypal_alone(url: str, own: bool) -> None:
    assert may_be_fetched(url) is own
