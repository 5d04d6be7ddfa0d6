"""How far back the statements of a source were read, which an erasure has to know."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "ledger_coverage",
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("source", String(64), nullable=False),
        Column("since", BigInteger, nullable=False),
        Column("until", BigInteger),
    )
