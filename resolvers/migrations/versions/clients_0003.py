"""Clients of the embedded issuer, what was revoked, and what may be used once only."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, String, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "oauth_client",
        Column("client_id", String(64), primary_key=True),
        Column("secret_hash", String(255)),
        Column("jwks", Text),
        Column("scopes", Text, nullable=False),
        Column("default_scopes", Text, nullable=False),
        Column("tenant", String(255)),
        Column("partner", String(255)),
        Column("demo", Boolean, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("revoked_at", BigInteger),
    )
    op.create_table(
        "revocation",
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("issuer", String(255), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("value", String(255), nullable=False),
        Column("ends", BigInteger, nullable=False),
    )
    op.create_table(
        "used_once",
        Column("kind", String(16), primary_key=True),
        Column("digest", String(64), primary_key=True),
        Column("ends", BigInteger, nullable=False),
    )
    op.create_index("used_once_by_end", "used_once", ["ends"])
