"""`oidc-provider`, a certified authorization server, as the issuer that a company would have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import httpx
import msgspec

from auth.metadata import SCOPES
from tests.witnesses.node import Node

RESOURCE = "https://graph.acme.example"
ELSEWHERE = "https://other.acme.example"
SECRET = "a secret of an acceptable length "


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """`opaque` gets tokens that only introspection explains; `bound` must prove a key; `extra` are
    claims of its tokens, `seconds` their lifetime."""

    id: str
    scope: str
    opaque: bool = False
    bound: bool = False
    seconds: int = 600
    extra: Mapping[str, str] = {}


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """`jwk` is the key that it is bound to, if it is."""

    text: str
    scheme: str
    jwk: Mapping[str, Any] | None = None


class AuthorizationServer:
    """`prove` makes DPoP proofs by a library that is not ours either."""

    def __init__(self, node: Node, clients: tuple[Client, ...]) -> None:
        self._node = node
        told = [{**msgspec.to_builtins(one), "secret": SECRET + one.id} for one in clients]
        gateway = {"id": "gateway", "secret": SECRET + "gateway", "scope": "orders:read"}
        self._program = node.serve(
            "authorize",
            scopes=sorted(SCOPES),
            resources=[RESOURCE, ELSEWHERE],
            clients=[*told, gateway],
        )
        self._bound = {one.id for one in clients if one.bound}

    def __enter__(self) -> Self:
        self._program.__enter__()
        self.url = str(self._program.told["url"])
        self._http = httpx.Client(base_url=self.url, timeout=20)
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._program.__exit__()

    def do(self, step: str) -> dict[str, int]:
        """`publish`, `sign` or `retire` a key, or nothing; how often each endpoint was asked."""
        asked: dict[str, int] = self._program.ask({"do": step})
        return asked

    def token(self, client: str, scope: str, resource: str = RESOURCE) -> Token:
        form = {"grant_type": "client_credentials", "scope": scope, "resource": resource}
        headers, jwk = {}, None
        if client in self._bound:
            proof, jwk = self.prove("POST", f"{self.url}/token")
            headers["dpop"] = proof
        answer = self._http.post("/token", data=form, headers=headers, auth=_auth(client))
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return Token(text=told["access_token"], scheme=told["token_type"], jwk=jwk)

    def revoke(self, client: str, token: Token) -> None:
        answer = self._http.post(
            "/token/revocation", data={"token": token.text}, auth=_auth(client)
        )
        assert answer.status_code == 200, answer.text

    def prove(
        self, method: str, url: str, token: Token | None = None
    ) -> tuple[str, Mapping[str, Any]]:
        """A proof by the token's key, or by a new one, and the key."""
        made = self._node.run(
            "prove",
            method=method,
            url=url,
            token=None if token is None else token.text,
            jwk=None if token is None else token.jwk,
        )
        return made["proof"], made["jwk"]


def _auth(client: str) -> httpx.BasicAuth:
    return httpx.BasicAuth(client, (SECRET + client).replace(" ", "+"))
