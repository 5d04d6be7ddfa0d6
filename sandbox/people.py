"""Names, and the customers of the world: who they are and which systems know them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sandbox.world import Customer

PEOPLE = (
    "Siobhán O'Brien",
    "王伟",
    "山田 太郎",
    "محمد الأحمد",
    "דוד לוי",
    "Zoë 🎉 Müller",
    'Robert "Bobby" Tables',
    "Ana María Núñez",
    "Jenny Rosen",
    "李娜",
    "Nguyễn Thị Hoa",
    "فاطمة الزهراء",
    "Олександр Шевченко",
    "佐藤 花子",
    "Conor D'Arcy",
    "Γιώργος Παπαδόπουλος",
    "김민준",
    "Åsa Öberg",
    "José-Luis Ibáñez",
    "Priya नायर",
)
COMPANIES = (
    "Müller & Söhne GmbH",
    "上海晨光贸易有限公司",
    "株式会社さくら商事",
    "شركة الخليج للتجارة",
    "אורן טכנולוגיות בע״מ",
    "Rocket 🚀 Supplies Ltd",
    'The "Quoted" Company, Inc.',
    "O'Neill Freight plc",
    "Nordwind Energie AG",
    "深圳云海科技有限公司",
    "Kuwait Trading Co. W.L.L.",
    "Société Générale d'Équipement",
)
TIERS = ("BRONZE", "SILVER", "GOLD", "PLATINUM", None)
INDUSTRIES = ("Retail", "Energy", "Technology", "Transportation", None)
EVERY = 25  # one customer in so many is known to one side only
ONLY_PROVIDER, ONLY_CRM = 7, 13


def people(rng: random.Random, count: int, start: datetime, days: int) -> list[Customer]:
    """`count` customers named `c1`, `c2`, ...; e-mails are unique, names are not."""
    return [person(rng, index, start, days) for index in range(count)]


def person(rng: random.Random, index: int, start: datetime, days: int) -> Customer:
    company = index % 3 == 2
    names = COMPANIES if company else PEOPLE
    position = index // 3 if company else index - index // 3
    # Past the first round names get a number, but a few stay the same: namesakes exist.
    turn, place = divmod(position, len(names))
    name = names[place] if turn == 0 or index % 11 == 5 else f"{names[place]} {turn + 1}"
    return Customer(
        key=f"c{index + 1}",
        name=name,
        kind="COMPANY" if company else "PERSON",
        created_at=start + timedelta(seconds=rng.randrange(days * 86_400)),
        email=None if index % 10 == 4 else f"c{index + 1}@customer.example",
        phone=None if index % 5 == 3 else f"+4420{index + 70_000_000:08d}",
        tier=TIERS[index % len(TIERS)],
        industry=rng.choice(INDUSTRIES) if company else None,
    )


def in_crm(index: int) -> bool:
    """Whether the CRM knows the customer at this position."""
    return index % EVERY != ONLY_PROVIDER


def in_provider(index: int) -> bool:
    """Whether a payment provider may know the customer at this position."""
    return index % EVERY != ONLY_CRM
