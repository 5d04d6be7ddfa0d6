"""The links between orders and payments. Databases made before there were migrations have them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, String

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "order_payment_link",
        Column("order_id", String(400), primary_key=True),
        Column("payment_id", String(400), primary_key=True),
        Column("evidence", String(400), nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        if_not_exists=True,
    )
    op.create_index(
        "order_payment_link_by_payment", "order_payment_link", ["payment_id"], if_not_exists=True
    )
