"""The index of references, and how far each source's books have been read."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "reference_entry",
        Column("source", String(64), primary_key=True),
        Column("kind", String(16), primary_key=True),
        Column("native_id", String(255), primary_key=True),
        Column("created_at", BigInteger, nullable=False),
        Column("alias", String(255)),
        Column("payment", String(255)),
        Column("reference", String(255)),
        Column("amount", BigInteger),
        Column("fee", BigInteger),
        Column("currency", String(3)),
        Column("origin", String(255), nullable=False),
    )
    for name, column in (("reference", "reference"), ("payment", "payment"), ("alias", "alias")):
        op.create_index(f"reference_entry_by_{name}", "reference_entry", ["source", "kind", column])
    op.create_index(
        "reference_entry_by_time",
        "reference_entry",
        ["source", "kind", "created_at", "native_id"],
    )
    op.create_table(
        "ledger_period",
        Column("source", String(64), primary_key=True),
        Column("name", String(128), primary_key=True),
        Column("digest", String(64), nullable=False),
        Column("written", Integer, nullable=False),
        Column("entries", Integer, nullable=False),
        Column("finished_at", BigInteger),
    )
