"""From an access token to a principal: whose it is, whether it is good now, and who sent it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from auth.allowance import Allowance
from auth.binding import Bound, Presented, bound, check_binding
from auth.bounded import Bounded
from auth.digest import digest
from auth.faults import InsufficientScope, InvalidToken, TooManyFailures, Unavailable
from auth.introspection import Introspector
from auth.issuer import Issuer
from auth.key_cache import Keys, NoKeys
from auth.principal import Principal
from auth.revocations import Revocations
from auth.signature import MOST as LARGEST
from auth.signature import NotSigned, Signed, take_apart, verify_any
from auth.validation import check_answer, check_claims, check_type

KEPT = 60.0
"""Seconds that a verified token is known by its digest; what was revoked is looked up each time."""
MOST = 10_000
GUESSES, PACE = 100, 0.05
"""New opaque tokens of one address at once, and the seconds after which there may be one more."""
ADDRESSES = 10_000
REMEMBERED = 60.0
Claims = Mapping[str, Any]


class Trusted(msgspec.Struct, frozen=True, kw_only=True):
    """An issuer and the means to check its tokens. Without `keys` it issues no signed ones, without
    `introspector` no opaque ones; `always` asks it about signed ones too. Those of one template
    share their introspector."""

    issuer: Issuer
    keys: Keys | None = None
    introspector: Introspector | None = None
    always: bool = False


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A good token, whoever sent it. `ends` is until when that may be believed, in seconds since
    1970; None where its issuer is asked, who keeps his answers himself."""

    principal: Principal
    bound: Bound
    required: frozenset[str]
    ends: float | None


class AccessTokens:
    """`bound_only` refuses tokens that are bound to no key or certificate (FAPI 2.0)."""

    def __init__(
        self,
        trusted: Sequence[Trusted],
        revocations: Revocations,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        bound_only: bool = False,
    ) -> None:
        self._by_url = {one.issuer.url: one for one in trusted}
        self._asked: dict[Introspector, list[Issuer]] = {}
        for one in trusted:
            if one.introspector is not None:
                self._asked.setdefault(one.introspector, []).append(one.issuer)
        self._allowances: Bounded[str, Allowance] = Bounded(ADDRESSES)
        self._revocations = revocations
        self._clock = clock
        self._wall = wall
        self._bound_only = bound_only
        self._known: Bounded[str, Verified] = Bounded(MOST)

    async def principal(self, token: str, presented: Presented) -> Principal:
        """Raises InvalidToken, InsufficientScope, TooManyFailures or Unavailable."""
        key = digest(token)
        verified = self._known.get(key, self._clock())
        if verified is None:
            verified = await self._checked(token, presented)
            if verified.ends is not None:
                now = self._clock()
                self._known.put(key, verified, now, now + verified.ends - self._wall())
        self._revocations.check(verified.principal, presented.scheme)
        check_binding(verified.bound, presented, self._bound_only)
        if not verified.required <= verified.principal.scopes:
            raise InsufficientScope(verified.required, presented.scheme)
        return verified.principal

    async def _checked(self, token: str, presented: Presented) -> Verified:
        scheme = presented.scheme
        try:
            return await self.verified(token, presented.peer, scheme)
        except NotSigned as error:
            raise InvalidToken(str(error), scheme) from None
        except NoKeys:
            raise Unavailable("the issuer's keys are not known", scheme) from None

    async def verified(self, token: str, peer: str = "", scheme: str = "Bearer") -> Verified:
        """Raises NotSigned, NoKeys, TooManyFailures or Unavailable. Whether it was revoked is not
        asked here."""
        if len(token) > LARGEST:
            raise NotSigned("it is too large")
        if token.count(".") == 2 and self._by_url:
            try:
                signed = take_apart(token)
            except NotSigned:
                if not self._asked:
                    raise
            else:
                return await self._signed(signed, token)
        return await self._opaque(token, peer, scheme)

    async def _signed(self, signed: Signed, token: str) -> Verified:
        url = signed.claims.get("iss")
        trusted = self._by_url.get(url) if isinstance(url, str) else None
        if trusted is None or trusted.keys is None:
            raise NotSigned("its issuer is not trusted")
        issuer = trusted.issuer
        check_type(signed, issuer)
        if signed.alg not in issuer.preset.algorithms:
            raise NotSigned("its algorithm is not allowed")
        keys = await trusted.keys.find(signed.kid, signed.alg)
        verify_any(signed, keys, issuer.preset.algorithms)
        check_claims(signed.claims, issuer, self._wall())
        principal = _principal(signed.claims, issuer)
        if trusted.always and trusted.introspector is not None:
            answer = await trusted.introspector.claims(token)
            return self._agreed(signed.claims, principal, answer, issuer)
        ends = min(self._wall() + KEPT, signed.claims["exp"] + issuer.leeway)
        return _verified(signed.claims, principal, issuer, ends)

    def _agreed(
        self, claims: Claims, principal: Principal, answer: Claims, issuer: Issuer
    ) -> Verified:
        """A signed token of which its issuer was asked too: where it tells anything of a claim, the
        stricter of both counts, and what cannot be both is refused."""
        if not answer:
            raise NotSigned("its issuer says that it is not active")
        both = {**claims, **answer}
        check_answer(both, issuer, self._wall())
        said = _principal(both, issuer)
        same = (principal.client_id, principal.tenant, principal.partner)
        if (said.client_id, said.tenant, said.partner) != same:
            raise NotSigned("its issuer says that it is somebody else's")
        if answer.get("client_id", principal.client_id) != principal.client_id:
            raise NotSigned("its issuer says that it is another client's")
        if "cnf" in claims and bound(claims) != bound(both):
            raise NotSigned("its issuer says that it is bound to something else")
        told = issuer.scopes(answer) if issuer.tells_scopes(answer) else principal.scopes
        agreed = msgspec.structs.replace(
            principal,
            scopes=principal.scopes & told,
            expires_at=min(principal.expires_at or 0, said.expires_at or 0),
        )
        return _verified(both, agreed, issuer, None)

    async def _opaque(self, token: str, peer: str, scheme: str) -> Verified:
        """Of the first issuer who knows it; one that cannot be asked may be the one. What is new
        uses up the allowance of its address until somebody knows it: a flood of guesses does not
        keep us from asking about others."""
        if not self._asked:
            raise NotSigned("nobody is asked about such tokens")
        allowance = self._allowance(peer)
        is_new = not any(one.knows(token) for one in self._asked)
        if is_new and not allowance.take():
            raise TooManyFailures(1, scheme)
        silent: Unavailable | None = None
        for introspector, issuers in self._asked.items():
            try:
                claims = await introspector.claims(token)
            except Unavailable as error:
                silent = error
                continue
            if claims:
                if is_new:
                    allowance.give_back()
                issuer = self._issuer(claims, issuers)
                return _verified(claims, _principal(claims, issuer), issuer, None)
        if silent is not None:
            raise silent
        raise NotSigned("nobody knows it")

    def _allowance(self, peer: str) -> Allowance:
        now = self._clock()
        found = self._allowances.get(peer, now) or Allowance(GUESSES, PACE, self._clock)
        self._allowances.put(peer, found, now, now + REMEMBERED)
        return found

    def _issuer(self, claims: Claims, issuers: Sequence[Issuer]) -> Issuer:
        """Whose token it is: of a template, the tenant's that the answer is of."""
        refused: NotSigned | None = None
        for issuer in issuers:
            try:
                check_answer(claims, issuer, self._wall())
            except NotSigned as error:
                refused = error
                continue
            return issuer
        raise refused or NotSigned("nobody knows it")


def _principal(claims: Claims, issuer: Issuer) -> Principal:
    principal = issuer.principal(claims)
    if principal is None:
        raise NotSigned("it does not say which client it is of")
    return principal


def _verified(claims: Claims, principal: Principal, issuer: Issuer, ends: float | None) -> Verified:
    return Verified(principal=principal, bound=bound(claims), required=issuer.required, ends=ends)
