"""An authorization server of another company, over real HTTP: keys, opaque tokens, outages."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.server import listen
from tests.waiting import met, until

AUDIENCE = "https://graph.acme.example"
SECRET = "introspection secret that is never shown"
SIGNERS = ("ES256", "RS256", "PS256", "Ed25519", "EdDSA", "HS256", "ES384")


def made(alg: str, kid: str) -> Any:
    parameters: Any = {"kid": kid, "use": "sig"}
    if alg.startswith("ES"):
        return ECKey.generate_key("P-384" if alg == "ES384" else "P-256", parameters)
    if alg in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519", parameters)
    return RSAKey.generate_key(2048, parameters)


class Authority:
    """`calls` counts by path; `down` answers 503; `opaque` are the active opaque tokens;
    while `held`, an introspection is not answered."""

    def __init__(self, alg: str = "ES256") -> None:
        self._listener = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.alg = alg
        self.keys = [made(alg, "first")]
        self.calls: Counter[str] = Counter()
        self.down = False
        self.held = False
        self.moved: str | None = None
        self.body: bytes | None = None
        self.said_issuer: str | None = None
        self.opaque: dict[str, dict[str, Any]] = {}
        routes = [
            Route("/.well-known/openid-configuration", self._metadata),
            Route("/jwks", self._jwks),
            Route("/introspect", self._introspect, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), log_config=None, ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self._server.started)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def rotate(self) -> None:
        """A new key signs from now on; the old ones stay published."""
        self.keys.append(made(self.alg, secrets.token_hex(4)))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good ones; a claim that is changed to None is left out."""
        now = int(time.time())
        whole: dict[str, Any] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "user-1",
            "client_id": "shop",
            "iat": now,
            "exp": now + 300,
            "jti": secrets.token_hex(8),
            "scope": "orders:read payments:read",
            "tenant": "acme",
        }
        whole |= changes
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, header: dict[str, Any] | None = None, key: Any = None, **changes: Any) -> str:
        """Signed with the newest key."""
        signer = key or self.keys[-1]
        whole = {"alg": self.alg, "typ": "at+jwt", "kid": signer.kid, **(header or {})}
        whole = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(
            whole,
            self.claims(**changes),
            signer,
            algorithms=list(SIGNERS),
            registry=_anything(),
            default_type=None,
        )

    async def _metadata(self, request: Request) -> Response:
        self.calls["metadata"] += 1
        if self.down:
            return Response(status_code=503)
        issuer = self.said_issuer or self.url
        return JSONResponse({"issuer": issuer, "jwks_uri": f"{self.url}/jwks"})

    async def _jwks(self, request: Request) -> Response:
        self.calls["jwks"] += 1
        if self.down:
            return Response(status_code=503)
        if self.moved is not None:
            return RedirectResponse(self.moved)
        if self.body is not None:
            return Response(self.body)
        return JSONResponse(dict(KeySet(self.keys).as_dict(private=False)))

    async def _introspect(self, request: Request) -> Response:
        self.calls["introspect"] += 1
        await met(lambda: not self.held)
        if self.down:
            return Response(status_code=503)
        expected = base64.b64encode(b"gateway:" + SECRET.replace(" ", "+").encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return JSONResponse({"error": "invalid_client"}, 401)
        form = parse_qs((await request.body()).decode())
        claims = self.opaque.get(form["token"][0])
        return JSONResponse({"active": False} if claims is None else {"active": True, **claims})


def _anything() -> Any:
    registry = JWSRegistry(algorithms=list(SIGNERS), strict_check_header=False)
    registry.check_header = lambda header: None  # type: ignore[method-assign]
    registry.max_header_length = 100_000
    registry.get_alg = lambda name: registry.algorithms[name]  # type: ignore[method-assign]
    return registry
