"""Who may be called with our credentials, and what is never told."""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import pytest

from connectors.errors import Malformed, Misconfigured, Unauthorized
from connectors.secret import Secret
from connectors.tokens import StaticToken, Token
from connectors.transport import HttpTransport, Limits, Request, Response
from tests.connectors.local_server import Answer, LocalServer, always, in_turn, reply, serving
from tests.connectors.test_transport import judge

pytestmark = pytest.mark.anyio
GET = Request(path="/things")
SECRET = "sk_live_never_shown"


class Refreshing:
    """Tokens `t1`, `t2`, ...; counts what was asked of it."""

    def __init__(self, more: bool = True) -> None:
        self.refused: list[Token] = []
        self.more = more

    async def token(self) -> Token:
        return Token({"authorization": f"Bearer t{len(self.refused) + 1}"})

    def invalidate(self, token: Token) -> bool:
        self.refused.append(token)
        return self.more

    def accepted(self, token: Token) -> None:
        pass


def running(
    answer: Answer, **more: Any
) -> AbstractAsyncContextManager[tuple[LocalServer, HttpTransport]]:
    return serving(answer, judge=judge, **more)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refused_token_is_fetched_anew_once(method: str) -> None:
    tokens = Refreshing()
    async with running(in_turn(reply(401), reply()), tokens=tokens) as (server, transport):
        await transport.send(Request(path="/things", method=method))
        assert [call.headers["authorization"] for call in server.calls] == [
            "Bearer t1",
            "Bearer t2",
        ]


async def test_a_token_refused_twice_is_refused() -> None:
    tokens = Refreshing()
    async with running(always(reply(401)), tokens=tokens) as (server, transport):
        with pytest.raises(Unauthorized):
            await transport.send(GET)
        assert (len(server.calls), len(tokens.refused)) == (2, 1)


async def test_a_key_that_cannot_be_renewed_is_tried_once() -> None:
    tokens = StaticToken("authorization", Secret(SECRET), "Bearer ")
    async with running(always(reply(401)), tokens=tokens) as (server, transport):
        with pytest.raises(Unauthorized):
            await transport.send(GET)
        assert [call.headers["authorization"] for call in server.calls] == [f"Bearer {SECRET}"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with LocalServer(always(reply())) as elsewhere:
        moved = reply(status, location=f"{elsewhere.origin}/stolen")
        async with running(always(moved)) as (server, transport):
            with pytest.raises(Malformed, match="redirect"):
                await transport.send(GET)
            assert len(server.calls) == 1
        assert (elsewhere.connections, elsewhere.calls) == (0, [])


@pytest.mark.parametrize(
    "base_url",
    ["http://api.example.com", "http://127.0.0.1.example.com", "ftp://127.0.0.1", "api.stripe.com"],
)
def test_only_https_is_spoken_except_on_loopback(base_url: str) -> None:
    with pytest.raises(Misconfigured, match="https"):
        HttpTransport("acme", base_url)


@pytest.mark.parametrize(
    "base_url", ["https://user@api.example.com", "https://user:word@api.example.com"]
)
def test_a_url_with_credentials_is_refused(base_url: str) -> None:
    with pytest.raises(Misconfigured, match="credentials") as refusal:
        HttpTransport("acme", base_url)
    assert "word" not in str(refusal.value)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example.com/things",
        "http://evil.example.com/things",
        "https://127.0.0.1:{port}/things",
        "http://127.0.0.1:{other}/things",
        "http://localhost:{port}/things",
        "http://user:word@127.0.0.1:{port}/things",
        "https://salesforce.com/things",
        "https://evilsalesforce.com/things",
        "https://my.salesforce.com.evil.com/things",
        "http://my.salesforce.com/things",
        "file:///etc/passwd",
        "@evil.example.com/things",
        ".evil.example.com/things",
    ],
)
async def test_an_address_that_is_not_the_sources_own_is_not_called(path: str) -> None:
    async with LocalServer(always(reply())) as elsewhere:
        more = {"hosts": ("*.salesforce.com",), "tokens": Refreshing()}
        async with running(always(reply()), **more) as (server, transport):
            target = path.format(port=server.port, other=elsewhere.port)
            with pytest.raises(Misconfigured):
                await transport.send(Request(path=target))
            assert (server.connections, elsewhere.connections) == (0, 0)


async def test_an_absolute_url_of_the_own_origin_is_called() -> None:
    async with running(always(reply())) as (server, transport):
        await transport.send(Request(path=f"{server.origin}/next?page=2", query=(("a", "ä b"),)))
        assert [call.target for call in server.calls] == ["/next?page=2&a=%C3%A4+b"]


async def test_a_token_with_an_address_of_its_own_is_held_to_the_same_rules() -> None:
    class Elsewhere(Refreshing):
        async def token(self) -> Token:
            return Token({}, base_url="https://evil.example.com")

    async with running(always(reply()), tokens=Elsewhere()) as (server, transport):
        with pytest.raises(Misconfigured):
            await transport.send(GET)
        assert server.connections == 0


async def test_header_names_are_lower_case_whatever_the_vendor_writes() -> None:
    async with running(always(reply(X_RateLimit_Left="7"))) as (_, transport):
        assert (await transport.send(GET)).headers["x-ratelimit-left"] == "7"


async def test_a_cookie_is_not_kept() -> None:
    async with running(always(reply(set_cookie="session=1; path=/"))) as (server, transport):
        await transport.send(GET)
        await transport.send(GET)
        assert ["cookie" in call.headers for call in server.calls] == [False, False]


async def test_a_secret_is_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = StaticToken("authorization", Secret(SECRET), "Bearer ")
    async with running(always(reply(503, body=SECRET.encode())), tokens=tokens) as (_, transport):
        asked = Request(path="/things", headers={"x-key": "plain"})
        with pytest.raises(Exception, match="down") as failure:
            await transport.send(asked)
        texts = [repr(transport), str(failure.value), repr(failure.value), caplog.text]
        texts += [repr(tokens), repr(await tokens.token())]
    assert [text for text in texts if SECRET in text] == []


class Row(msgspec.Struct):
    amount: int


class Rows(msgspec.Struct):
    data: list[Row]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"data": [{"amount": "ada@example.com"}]}', "does not fit at $.data[0].amount"),
        (b'{"data": 7}', "does not fit at $.data"),
        (b"[]", "the answer does not fit"),
        (b"<html>", "the answer is not JSON"),
        (b'{"data": "\xff"', "the answer"),
        (b"", "the answer is not JSON"),
        (b'{"deep":' * 100_000, "the answer is not JSON"),
    ],
)
def test_a_body_that_does_not_fit_names_the_place_and_no_value(body: bytes, detail: str) -> None:
    with pytest.raises(Malformed) as failure:
        Response(200, {}, body).decode(msgspec.json.Decoder(Rows), "acme")
    assert detail in str(failure.value)
    assert "ada" not in repr(failure.value)


async def test_a_rate_holds_back_its_own_calls() -> None:
    now = [0.0]
    async with LocalServer(always(reply())) as server:
        limits = Limits(deadline=0.2, rates={"search": 2})
        transport = HttpTransport("acme", server.origin, limits=limits, clock=lambda: now[0])
        searching = Request(path="/search", rate="search")
        await transport.send(searching)
        await transport.send(searching)
        with pytest.raises(Exception, match="deadline"):
            await transport.send(searching)
        await transport.send(GET)
        assert [call.target for call in server.calls] == ["/search", "/search", "/things"]
        now[0] = 1.5
        await transport.send(searching)
        await transport.aclose()
    assert len(server.calls) == 4
