"""One client per reader, with secrets that everybody knows: for the demo, on loopback only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from auth.embedded.clients import Client, ClientExists, Clients
from auth.hashed import hash_secret
from auth.metadata import SCOPES

EVERYTHING = frozenset(SCOPES)
PERSONAL = frozenset({"customers:pii", "payments:pii"})
ROLES: Mapping[str, frozenset[str]] = {
    "frontend": EVERYTHING,
    "bi": EVERYTHING - PERSONAL,
    "partner": frozenset({"orders:read", "payments:read", "refunds:read", "links:read"}),
}
TENANT, PARTNER = "demo", "acme"


def demo_client(role: str) -> tuple[str, str]:
    """The id and the secret of a demo client."""
    return f"demo-{role}", f"demo-{role}-secret-that-everybody-knows"


async def add_demo_clients(clients: Clients, wall: Callable[[], float]) -> None:
    """Those that are not there yet."""
    for role, scopes in ROLES.items():
        client_id, secret = demo_client(role)
        partner = PARTNER if role == "partner" else None
        client = Client(
            client_id=client_id,
            secret=hash_secret(secret),
            scopes=scopes,
            default_scopes=scopes,
            tenant=TENANT,
            partner=partner,
            demo=True,
            created_at=int(wall()),
        )
        with contextlib.suppress(ClientExists):
            await clients.add(client)
