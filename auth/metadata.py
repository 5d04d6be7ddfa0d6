"""What a client finds out by itself about this gateway (RFC 9728)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
SCOPES = (
    "customers:pii",
    "customers:read",
    "disputes:read",
    "federation",
    "links:read",
    "orders:money",
    "orders:read",
    "payments:money",
    "payments:pii",
    "payments:read",
    "refunds:money",
    "refunds:read",
    "sources:read",
)
"""All that a field of the graph may ask for."""


def protected_resource(
    resource: str,
    issuers: Iterable[str],
    algorithms: Sequence[str],
    *,
    mtls: bool,
    bound_only: bool,
) -> dict[str, Any]:
    """RFC 9728 section 2. `mtls` tells whether tokens may be bound to certificates; `bound_only`
    whether they must be bound to something."""
    return {
        "resource": resource,
        "authorization_servers": list(issuers),
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(algorithms),
        "dpop_bound_access_tokens_required": bound_only and not mtls,
        "tls_client_certificate_bound_access_tokens": mtls,
    }
