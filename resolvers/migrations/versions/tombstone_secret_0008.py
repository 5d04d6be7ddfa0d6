"""Which secret a tombstone was made with, and when it was given up because that one was lost."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("tombstone", Column("secret", LargeBinary))
    op.add_column("tombstone", Column("given_up_at", BigInteger))
