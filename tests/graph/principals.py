"""Operations of the whole gateway, asked by a principal that a test makes."""

from __future__ import annotations

from typing import Any

import msgspec

from auth.access import Policy
from auth.principal import Principal
from gateway.compose import Gateway
from schema.build import build_schema
from schema.execution import Operation, Outcome

EVERY_SCOPE = " ".join(
    sorted(
        atom.removeprefix("scope:")
        for atom in build_schema().requirements.atoms
        if atom.startswith("scope:")
    )
)


def who(scopes: str, tenant: str | None = None, partner: str | None = None) -> Principal:
    return Principal(
        issuer="https://as",
        client_id="client",
        subject="subject",
        scopes=frozenset(scopes.split()),
        tenant=tenant,
        partner=partner,
    )


async def asked(
    gateway: Gateway,
    query: str,
    principal: Principal | None,
    policy: Policy | None = None,
    **variables: Any,
) -> Outcome:
    """As the gateway answers it under a policy of the test's own."""
    guarded = msgspec.structs.replace(gateway, policy=policy or Policy())
    return await guarded.executor.run(
        Operation(query, None, variables), guarded.context("request", principal)
    )


async def open_to_all(gateway: Gateway, query: str, **variables: Any) -> Outcome:
    return await gateway.executor.run(Operation(query, None, variables), gateway.context("request"))


def denied(outcome: Outcome) -> list[str]:
    """Dotted paths of what was denied."""
    return [
        ".".join(map(str, error["path"]))
        for error in outcome.body.get("errors", ())
        if error["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
    ]
