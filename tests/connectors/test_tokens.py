"""One token is fetched at a time, kept until refused, and never asked for in a hurry."""

from __future__ import annotations

import asyncio

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from connectors.errors import Retryable, Unauthorized
from connectors.secret import Secret
from connectors.tokens import FetchedToken, NoToken, StaticToken, Token, jwt_bearer_assertion

pytestmark = pytest.mark.anyio


class Issuer:
    """Fresh tokens, or the failure that is set; waits for `gate` where it is closed."""

    def __init__(self, expires_in: float | None = None, sessions: bool = False) -> None:
        self.now = 0.0
        self.fetched = 0
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self._expires_in = expires_in
        self.source = FetchedToken(self._fetch, lambda: self.now, sessions=sessions)

    async def _fetch(self) -> Token:
        self.fetched += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        until = None if self._expires_in is None else self.now + self._expires_in
        return Token({"authorization": f"Bearer {self.fetched}"}, expires_at=until)


async def test_fifty_callers_share_one_fetch() -> None:
    issuer = Issuer()
    tokens = await asyncio.gather(*(issuer.source.token() for _ in range(50)))
    assert issuer.fetched == 1
    assert len({id(token) for token in tokens}) == 1


async def test_a_token_is_kept() -> None:
    issuer = Issuer()
    first = await issuer.source.token()
    issuer.now = 1e9
    assert await issuer.source.token() is first


async def test_a_token_is_renewed_half_a_minute_before_it_expires() -> None:
    issuer = Issuer(expires_in=100.0)
    first = await issuer.source.token()
    issuer.now = 70.0
    assert await issuer.source.token() is first
    issuer.now = 70.1
    assert await issuer.source.token() is not first
    assert issuer.fetched == 2


async def test_only_the_present_token_is_dropped() -> None:
    issuer = Issuer()
    first = await issuer.source.token()
    assert issuer.source.invalidate(first) is True
    second = await issuer.source.token()
    assert issuer.source.invalidate(first) is True
    assert await issuer.source.token() is second
    assert issuer.fetched == 2


async def test_after_a_refusal_nobody_tries_for_five_seconds() -> None:
    issuer = Issuer()
    issuer.failure = Unauthorized("acme", "refused", status=401, code="invalid_grant")
    outcomes = await asyncio.gather(
        *(issuer.source.token() for _ in range(50)), return_exceptions=True
    )
    assert issuer.fetched == 1
    assert {str(o) for o in outcomes} == {"acme: refused (HTTP 401, invalid_grant)"}
    assert len({id(o) for o in outcomes}) == 50
    issuer.now, issuer.failure = 4.9, None
    with pytest.raises(Unauthorized):
        await issuer.source.token()
    assert issuer.fetched == 1
    issuer.now = 5.0
    await issuer.source.token()
    assert issuer.fetched == 2


async def test_a_token_may_be_refused_for_single_calls_as_often_as_these_are_made() -> None:
    issuer = Issuer()
    for _ in range(5):
        issuer.source.invalidate(await issuer.source.token())
    assert issuer.fetched == 5


async def test_two_sessions_in_turn_that_are_never_accepted_stop_further_logins() -> None:
    issuer = Issuer(sessions=True)
    for _ in range(2):
        issuer.source.invalidate(await issuer.source.token())
    with pytest.raises(Unauthorized, match="logins succeed, and what they give is refused"):
        await issuer.source.token()
    assert issuer.fetched == 2
    issuer.now = 5.0
    token = await issuer.source.token()
    issuer.source.accepted(token)
    issuer.source.invalidate(token)
    assert await issuer.source.token() is not token
    assert issuer.fetched == 4


async def test_a_token_may_stand_in_the_query() -> None:
    assert Token({}, query=(("token", "t"),)).query == (("token", "t"),)
    assert "t1" not in repr(Token({}, query=(("token", "t1"),)))


async def test_an_outage_is_not_a_refusal() -> None:
    issuer = Issuer()
    issuer.failure = Retryable("acme", "down")
    with pytest.raises(Retryable):
        await issuer.source.token()
    issuer.failure = None
    await issuer.source.token()
    assert issuer.fetched == 2


async def test_a_waiter_that_gives_up_spoils_nothing() -> None:
    issuer = Issuer()
    issuer.gate.clear()
    fetching, waiting, patient = (asyncio.create_task(issuer.source.token()) for _ in range(3))
    await asyncio.sleep(0)
    for task in (waiting, fetching):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    issuer.gate.set()
    assert (await patient).headers == {"authorization": "Bearer 2"}
    assert issuer.fetched == 2


async def test_a_static_key_is_never_asked_for_again() -> None:
    source = StaticToken("authorization", Secret("word"), "Bearer ")
    token = await source.token()
    assert token.headers == {"authorization": "Bearer word"}
    assert source.invalidate(token) is False
    assert (await NoToken().token()).headers == {}


def test_a_token_does_not_show_itself() -> None:
    assert repr(Token({"authorization": "Bearer word"}, "https://a.example")) == "Token(***)"


def test_an_assertion_carries_the_claims_and_our_signature() -> None:
    key = RSAKey.generate_key(2048)
    pem = Secret(key.as_pem(private=True).decode())
    text = jwt_bearer_assertion(
        key=pem, issuer="client", subject="ada@example.com", audience="https://login", now=1000
    )
    token = jwt.decode(text, RSAKey.import_key(key.as_pem(private=False)), algorithms=["RS256"])
    assert token.header["alg"] == "RS256"
    claims = {name: token.claims[name] for name in ("iss", "sub", "aud", "iat", "exp")}
    assert claims == {
        "iss": "client",
        "sub": "ada@example.com",
        "aud": "https://login",
        "iat": 1000,
        "exp": 1180,
    }


@pytest.mark.parametrize("pem", ["", "-----BEGIN nothing-----", "word"])
def test_what_is_no_rsa_key_is_a_value_error_that_does_not_show_it(pem: str) -> None:
    with pytest.raises(ValueError) as refusal:
        jwt_bearer_assertion(key=Secret(pem), issuer="a", subject="b", audience="c", now=0)
    assert not pem or pem not in str(refusal.value)
