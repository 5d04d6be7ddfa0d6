"""`tillgate token`: an access token of the embedded issuer, by client credentials over HTTP."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from urllib.parse import quote_plus, urlencode

import msgspec

from auth.embedded.issuing import TOKEN
from gateway.auth_settings import check_url
from gateway.server import Refusal


def fetch_token(origin: str, client_id: str, secret: str, scope: str | None = None) -> str:
    """Raises Refusal with what the issuer says."""
    try:
        check_url("--url", origin)
    except ValueError as error:
        raise Refusal(str(error)) from None
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    headers = {"authorization": "Basic " + base64.b64encode(pair).decode()}
    request = urllib.request.Request(  # noqa: S310 - checked above
        origin.rstrip("/") + TOKEN, urlencode(form).encode(), headers
    )
    try:
        with _opener().open(request, timeout=30) as answer:
            token: str = msgspec.json.decode(answer.read())["access_token"]
    except urllib.error.HTTPError as error:
        raise Refusal(f"{origin}: {_said(error)}") from None
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        raise Refusal(f"{origin}: no issuer answers there; is the gateway running?") from None
    return token


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A secret goes where it was sent, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _said(error: urllib.error.HTTPError) -> str:
    """The issuer's code and sentence, if it is one."""
    try:
        said = msgspec.json.decode(error.read(4096))
        return f"{said['error']}: {said['error_description']}"
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return f"HTTP {error.code}"
