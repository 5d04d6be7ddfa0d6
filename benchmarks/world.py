"""The data behind the simulated vendors: customers, orders, payments and refunds, newest first.

The same seed gives the same bytes. Each record has about twenty fields, as vendors' records do,
of which a gateway needs a few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

CUSTOMERS, ORDERS, PAYMENTS, REFUNDS = 1_000, 5_000, 6_000, 600
NEWEST = 1_790_000_000
NAMES = ("Amélie Laurent", "Björn Sörensen", "Chen Wei", "Dora Kovács", "Emre Yılmaz", "Fay Quinn")
CITIES = ("Aarhus", "Bologna", "Córdoba", "Düsseldorf", "Eindhoven", "Gdańsk", "Linköping")
STATES = ("open", "paid", "fulfilled", "cancelled")

Row = dict[str, Any]


class World:
    """`customers`, `orders`, `payments` and `refunds` are in the order of their pages."""

    def __init__(self, seed: int = 11) -> None:
        self._random = Random(seed)  # noqa: S311 - data for a measurement, no secret
        self.customers = [self._customer(n) for n in range(1, CUSTOMERS + 1)]
        self.orders = [self._order(n) for n in range(1, ORDERS + 1)]
        paid = [*self.orders, *self._random.choices(self.orders, k=PAYMENTS - ORDERS)]
        made = [self._payment(n, order) for n, order in enumerate(paid, 1)]
        self.payments = sorted(made, key=_newest_first)
        refunded = self._random.sample(self.payments, REFUNDS)
        back = [self._refund(n, payment) for n, payment in enumerate(refunded, 1)]
        self.refunds = sorted(back, key=_newest_first)

    def write(self, path: Path) -> None:
        """The file that `upstream.c` reads: records, then pages and keys that name them."""
        tables: tuple[tuple[str, Sequence[Row], Mapping[str, str]], ...] = (
            ("/crm/customers", self.customers, {"ids": "id"}),
            ("/crm/orders", self.orders, {"ids": "id", "customer_ids": "customer_id"}),
            ("/pay/payments", self.payments, {"ids": "id", "references": "reference"}),
            ("/pay/refunds", self.refunds, {"ids": "id", "payment_ids": "payment_id"}),
        )
        lines = [f"record\t{r['id']}\t{_json(r)}" for _, rows, _ in tables for r in rows]
        first = 0
        for place, rows, fields in tables:
            lines.append(f"pages\t{place}\t{first} {len(rows)}")
            for param, field in fields.items():
                lines += _keys(f"{place}?{param}=", rows, field, first)
            first += len(rows)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _customer(self, n: int) -> Row:
        return {
            "id": customer_id(n),
            "type": "account",
            "name": f"{self._random.choice(NAMES)} {n}",
            "email": f"customer{n}@example.com",
            "phone": f"+49 40 {self._random.randrange(10**8):08}",
            "created": NEWEST - 90_000_000 - n * 900,
            "updated": NEWEST - n * 50,
            "address": self._address(),
            "industry": "wholesale of office equipment and supplies",
            "owner": f"user_{self._random.randrange(40):06}",
            "currency": "EUR",
            "credit_limit": self._random.randrange(10**7),
            "tax_number": f"DE{self._random.randrange(10**9):09}",
            "tier": self._random.choice(("gold", "silver", "bronze")),
            "language": "de-DE",
            "newsletter": self._random.random() < 0.5,
            "notes": "took over the contract of the predecessor, invoices by e-mail only",
            "tags": ["import-2024", "key-account"],
            "custom": {"erp_number": f"E-{n:08}", "origin": "webshop", "region": "north"},
            "archived": False,
        }

    def _order(self, n: int) -> Row:
        total = self._random.randrange(500, 90_000)
        return {
            "id": order_id(n),
            "type": "order",
            "number": f"SO-{n:07}",
            "status": self._random.choice(STATES),
            "total": total,
            "subtotal": total * 84 // 100,
            "tax": total - total * 84 // 100,
            "shipping": 490,
            "currency": "EUR",
            "customer_id": customer_id(self._random.randrange(CUSTOMERS) + 1),
            "created": NEWEST - n * 600,
            "updated": NEWEST - n * 500,
            "channel": self._random.choice(("web", "app", "phone")),
            "warehouse": f"WH-{self._random.randrange(9)}",
            "shipping_address": self._address(),
            "billing_address": self._address(),
            "line_count": self._random.randrange(1, 13),
            "note": None,
            "tags": ["web", "gift"],
            "custom": {"campaign": "autumn", "erp_number": f"O-{n:09}"},
        }

    def _payment(self, n: int, order: Row) -> Row:
        amount = self._random.randrange(100, 90_000)
        return {
            "id": payment_id(n),
            "type": "payment",
            "reference": order["number"],
            "amount": amount,
            "amount_captured": amount,
            "amount_refunded": 0,
            "currency": "EUR",
            "status": self._random.choice(("succeeded", "succeeded", "processing", "authorized")),
            "created": order["created"] + 30 + n % 400,
            "payer": order["customer_id"],
            "method": {
                "type": "card",
                "card": {"brand": "visa", "last4": f"{n % 10_000:04}", "expires": "2031-04"},
                "fingerprint": f"{self._random.randrange(16**16):016x}",
                "checks": {"cvc": "pass", "address": "pass", "postal_code": "unavailable"},
            },
            "description": f"Payment of {order['number']} in the web shop",
            "statement_text": "SHOP EXAMPLE COM",
            "receipt_email": "buyer@example.com",
            "receipt_url": f"https://pay.example.com/receipts/{self._random.randrange(16**24):024x}",
            "capture": "automatic",
            "risk": {"level": "normal", "score": self._random.randrange(100), "rule": None},
            "three_d_secure": {"version": "2.2.0", "result": "authenticated", "flow": "challenge"},
            "client_token": f"{self._random.randrange(16**32):032x}",
            "metadata": {"order": order["number"], "channel": "web", "session": f"s{n:012}"},
            "live": False,
        }

    def _refund(self, n: int, payment: Row) -> Row:
        return {
            "id": f"ref_{n:010}",
            "type": "refund",
            "payment_id": payment["id"],
            "amount": self._random.randrange(1, payment["amount"]),
            "currency": "EUR",
            "status": "succeeded",
            "reason": "requested_by_customer",
            "created": payment["created"] + 86_400,
            "charge": f"ch_{self._random.randrange(16**20):020x}",
            "balance_entry": f"be_{self._random.randrange(16**20):020x}",
            "receipt_number": f"{self._random.randrange(10**8):08}",
            "failure": None,
            "description": "The customer sent the goods back within two weeks",
            "destination": {"type": "card", "reference": f"{n:011}", "arrives": "2026-12-01"},
            "initiated_by": f"user_{self._random.randrange(40):06}",
            "next_action": None,
            "instructions_email": None,
            "metadata": {"return_number": f"R-{n:08}", "warehouse": "WH-3", "checked": "yes"},
            "fee": 0,
            "live": False,
        }

    def _address(self) -> Row:
        return {
            "street": f"Hafenstraße {self._random.randrange(1, 300)}",
            "city": self._random.choice(CITIES),
            "postal_code": f"{self._random.randrange(10**5):05}",
            "country": "DE",
        }


def customer_id(n: int) -> str:
    return f"cus_{n:010}"


def order_id(n: int) -> str:
    return f"ord_{n:010}"


def payment_id(n: int) -> str:
    return f"pay_{n:010}"


def _newest_first(row: Row) -> tuple[int, str]:
    return (-row["created"], row["id"])


def _json(row: Row) -> str:
    return msgspec.json.encode(row).decode()


def _keys(prefix: str, rows: Sequence[Row], field: str, first: int) -> Iterator[str]:
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows, first):
        numbers[row[field]].append(number)
    for key, found in numbers.items():
        yield f"key\t{prefix}{key}\t{' '.join(map(str, found))}"
