"""How long an answer is believed, under a clock of the test's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet as JoseKeySet

from auth.access_tokens import GUESSES, PACE, AccessTokens, Trusted
from auth.binding import Presented
from auth.faults import Fault, InvalidToken, TooManyFailures
from auth.introspection import NEGATIVE, POSITIVE, Credential, Introspector
from auth.issuer import PRESETS, Issuer
from auth.key_set import read_key_set
from auth.outbound import Answer, Call, Unreachable
from auth.principal import Principal
from auth.revocations import Revocations
from auth.signature import Key
from resolvers.store import open_store
from tests.auth.authority import made

pytestmark = pytest.mark.anyio
BEARER = Presented(scheme="Bearer", peer="10.0.0.1")
KEY = made("ES256", "first")


class Asked:
    """An issuer with one token, of which it says what it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.calls = 0
        self.takes = 0.0
        self.down = False
        self.active = True
        self.claims: dict[str, Any] = {
            "iss": "https://as.example",
            "aud": "https://graph.example",
            "client_id": "shop",
            "exp": int(self.now) + 3600,
        }
        self.keys = read_key_set(json.dumps(JoseKeySet([KEY]).as_dict(private=False)).encode())

    def clock(self) -> float:
        return self.now

    async def ask(self, call: Call) -> Answer:
        self.calls += 1
        said = {"active": self.active, **(self.claims if self.active else {})}
        self.now += self.takes
        if self.down:
            raise Unreachable("down")
        return Answer(200, {}, json.dumps(said).encode())

    async def find(self, kid: str | None, alg: str) -> list[Key]:
        return self.keys.find(kid, alg)

    def signed(self) -> str:
        return jwt.encode({"alg": "ES256", "kid": "first"}, self.claims, KEY)

    def tokens(self, revocations: Revocations, stale: bool = False) -> AccessTokens:
        issuer = Issuer(
            name="as",
            url="https://as.example",
            audiences=("https://graph.example",),
            preset=PRESETS["keycloak"],
        )
        introspector = Introspector(
            "https://as.example/introspect",
            Credential("gateway", "secret"),
            self.ask,
            clock=self.clock,
            wall=self.clock,
            stale=stale,
        )
        trusted = Trusted(issuer=issuer, keys=self, introspector=introspector, always=True)
        return AccessTokens([trusted], revocations, clock=self.clock, wall=self.clock)


@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("takes", [0.0, 4.0])
async def test_what_its_issuer_revoked_is_refused_30_seconds_later(
    is_signed: bool, takes: float
) -> None:
    async with open_store("sqlite+aiosqlite:///:memory:") as engine:
        asked = Asked()
        revocations = Revocations(engine, clock=lambda: 0.0)
        await revocations.load()
        tokens = asked.tokens(revocations)
        token = asked.signed() if is_signed else "opaque"
        begun, asked.takes = asked.now, takes
        assert isinstance(await tokens.principal(token, BEARER), Principal)
        asked.active, asked.takes = False, 0.0
        for seconds in (takes, 20.0, POSITIVE - 0.1):
            asked.now = begun + seconds
            assert await tokens.principal(token, BEARER)
        assert asked.calls == 1
        asked.now = begun + POSITIVE
        with pytest.raises(InvalidToken):
            await tokens.principal(token, BEARER)


async def test_what_was_not_active_is_asked_for_again_soon() -> None:
    async with open_store("sqlite+aiosqlite:///:memory:") as engine:
        asked = Asked()
        revocations = Revocations(engine, clock=lambda: 0.0)
        await revocations.load()
        tokens = asked.tokens(revocations)
        asked.active = False
        for _ in range(3):
            with pytest.raises(InvalidToken):
                await tokens.principal("opaque", BEARER)
        assert asked.calls == 1
        asked.active, asked.now = True, asked.now + NEGATIVE
        assert await tokens.principal("opaque", BEARER)


async def test_a_token_that_ends_is_not_believed_until_it_is_asked_for_again() -> None:
    async with open_store("sqlite+aiosqlite:///:memory:") as engine:
        asked = Asked()
        revocations = Revocations(engine, clock=lambda: 0.0)
        await revocations.load()
        tokens = asked.tokens(revocations)
        asked.claims["exp"] = int(asked.now) - 50
        assert await tokens.principal("opaque", BEARER)
        asked.now += 10
        with pytest.raises(InvalidToken):
            await tokens.principal("opaque", BEARER)


async def test_who_sends_many_new_tokens_waits_and_nobody_else_does() -> None:
    async with open_store("sqlite+aiosqlite:///:memory:") as engine:
        asked = Asked()
        revocations = Revocations(engine, clock=lambda: 0.0)
        await revocations.load()
        tokens = asked.tokens(revocations)
        for number in range(2 * GUESSES):
            # Good ones use up nothing.
            assert await tokens.principal(f"good-{number}", BEARER)
        asked.active = False
        for number in range(GUESSES):
            with pytest.raises(InvalidToken):
                await tokens.principal(f"guess-{number}", BEARER)
        calls = asked.calls
        with pytest.raises(TooManyFailures) as told:
            await tokens.principal("one more", BEARER)
        assert (told.value.retry_after, asked.calls) == (1, calls)
        with pytest.raises(InvalidToken):
            # Of what was answered just now nobody is asked.
            await tokens.principal("guess-0", BEARER)
        asked.active, asked.now = True, asked.now + PACE / 2
        assert await tokens.principal("good-0", BEARER)
        other = Presented(scheme="Bearer", peer="10.0.0.2")
        assert await tokens.principal("of another address", other)
        with pytest.raises(TooManyFailures):
            await tokens.principal("still too early", BEARER)
        asked.now += PACE
        assert await tokens.principal("in time", BEARER)


async def test_what_was_good_is_asked_for_again_whatever_its_neighbours_do() -> None:
    async with open_store("sqlite+aiosqlite:///:memory:") as engine:
        asked = Asked()
        revocations = Revocations(engine, clock=lambda: 0.0)
        await revocations.load()
        tokens = asked.tokens(revocations)
        assert await tokens.principal("good", BEARER)
        asked.active, asked.now = False, asked.now + POSITIVE
        for number in range(GUESSES):
            with pytest.raises(InvalidToken):
                await tokens.principal(f"guess-{number}", BEARER)
        asked.active = True
        calls = asked.calls
        assert await tokens.principal("good", BEARER)
        assert asked.calls == calls + 1


@pytest.mark.parametrize("stale", [False, True])
async def test_while_the_issuer_is_silent_only_stale_lets_in_what_was_active(stale: bool) -> None:
    async with open_store("sqlite+aiosqlite:///:memory:") as engine:
        asked = Asked()
        revocations = Revocations(engine, clock=lambda: 0.0)
        await revocations.load()
        tokens = asked.tokens(revocations, stale)
        assert await tokens.principal("opaque", BEARER)
        asked.down, asked.now = True, asked.now + POSITIVE
        if stale:
            assert await tokens.principal("opaque", BEARER)
        else:
            with pytest.raises(Fault, match="introspection"):
                await tokens.principal("opaque", BEARER)
        asked.now += 3600
        with pytest.raises(Fault):
            await tokens.principal("opaque", BEARER)
