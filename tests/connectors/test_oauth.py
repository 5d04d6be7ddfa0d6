"""Token endpoints as RFC 6749 and RFC 7523 describe them, from a server on loopback."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import parse_qs

import pytest

from connectors.errors import Malformed
from connectors.oauth import client_credentials, fetch_token, jwt_bearer
from connectors.secret import Secret
from tests.connectors.local_server import always, reply, serving

pytestmark = pytest.mark.anyio


async def test_client_credentials_name_the_client_by_basic() -> None:
    answer = reply(body=b'{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}')
    async with serving(always(answer)) as (server, transport):
        grant = client_credentials("id:1", Secret("s e"), scope="read")
        token = await fetch_token("acme", transport, "/token", grant, clock=lambda: 100.0)
    (call,) = server.calls
    assert (call.method, call.target) == ("POST", "/token")
    assert parse_qs(call.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["read"]}
    scheme, _, pair = call.headers["authorization"].partition(" ")
    assert (scheme, b64decode(pair)) == ("Basic", b"id%3A1:s+e")
    assert token.headers == {"authorization": "Bearer t"}
    assert (token.base_url, token.expires_at) == (None, 3700.0)


async def test_an_assertion_is_posted_as_it_is() -> None:
    answer = reply(body=b'{"access_token": "t", "instance_url": "https://x.example/"}')
    async with serving(always(answer)) as (server, transport):
        token = await fetch_token("acme", transport, "/token", jwt_bearer("a.b.c"))
    form = parse_qs(server.calls[0].body.decode())
    assert form["assertion"] == ["a.b.c"]
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert (token.base_url, token.expires_at) == ("https://x.example", None)


async def test_an_answer_without_a_token_is_malformed() -> None:
    async with serving(always(reply(body=b'{"token_type": "Bearer"}'))) as (_, transport):
        with pytest.raises(Malformed):
            await fetch_token("acme", transport, "/token", jwt_bearer("a.b.c"))


def test_a_grant_does_not_show_its_secret() -> None:
    grant = client_credentials("id", Secret("hush"))
    assert "hush" not in repr(grant)
    assert repr(grant) == "Grant(***)"
