"""What was erased and must not come back, and the sealed secret that tells it."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "sealed_secret",
        Column("name", String(64), primary_key=True),
        Column("content", LargeBinary, nullable=False),
    )
    op.create_table(
        "tombstone",
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("digest", LargeBinary, nullable=False, unique=True),
        Column("erased_at", BigInteger, nullable=False),
    )
