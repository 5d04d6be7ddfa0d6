"""Which rows of a period were left out because they cannot be read."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("ledger_period", Column("bad", Integer, nullable=False, server_default="0"))
    op.add_column("ledger_period", Column("bad_rows", Text))
