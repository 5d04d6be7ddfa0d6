"""What somebody is answered over HTTP whose key grants nothing."""

from __future__ import annotations

from base64 import b64encode

import pytest

from auth.hashed import hash_secret
from gateway.access_settings import PolicySettings
from gateway.auth_settings import ApiKeySettings, AuthSettings
from sandbox.server import Server as Sandbox
from tests.graph.conftest import STRIPE_ONLY, Control
from tests.serving import GatewayServer

QUERY = "{ __typename orders { nodes { number } } }"
LEGACY = "application/json"


KEY = ApiKeySettings(secret_hash=str(hash_secret("secret")), scopes=())
WHO = "Basic " + b64encode(b"poor:secret").decode()


def serving(sandbox: Sandbox, **policy: str) -> GatewayServer:
    auth = AuthSettings(
        resource="https://graph.example",
        api_keys={"poor": KEY},
        policy=PolicySettings(**policy),  # type: ignore[arg-type]
    )
    return GatewayServer(sandbox, only=STRIPE_ONLY, indexed=False, auth=auth)


def test_filtered_is_an_answer(sandbox: Sandbox, control: Control) -> None:
    with serving(sandbox) as gateway:
        answer = gateway.post(QUERY, authorization=WHO)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"__typename": "Query", "orders": None}
    assert [error["path"] for error in answer.json()["errors"]] == [["orders"]]
    assert control.paths() == []


@pytest.mark.parametrize(
    ("accept", "status"), [("application/graphql-response+json", 403), (LEGACY, 200)]
)
def test_rejected_is_forbidden(
    sandbox: Sandbox, control: Control, accept: str, status: int
) -> None:
    with serving(sandbox, mode="reject") as gateway:
        answer = gateway.post(QUERY, accept=accept, authorization=WHO)
    assert answer.status_code == status
    assert "data" not in answer.json()
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
    assert control.paths() == []
