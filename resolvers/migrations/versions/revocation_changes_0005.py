"""How often what is revoked was changed, which tells who looks whether he missed anything."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    changes = op.create_table(
        "revocation_changes",
        Column("id", Integer, primary_key=True),
        Column("number", BigInteger, nullable=False),
    )
    op.bulk_insert(changes, [{"id": 1, "number": 0}])
