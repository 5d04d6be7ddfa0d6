"""From an access token to a principal: whose it is, whether it is good now, and who sent it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from auth.binding import Bound, Presented, bound, check_binding
from auth.bounded import Bounded
from auth.dpop import digest
from auth.faults import InsufficientScope, InvalidToken, Unavailable
from auth.introspection import Introspector
from auth.issuer import Issuer
from auth.key_cache import Keys, NoKeys
from auth.principal import Principal
from auth.revocations import Revocations
from auth.signature import MOST as LARGEST
from auth.signature import NotSigned, Signed, take_apart, verify
from auth.validation import check_answer, check_claims, check_type

KEPT = 60.0
"""Seconds that a verified token is known by its digest; what was revoked is looked up each time."""
KEPT_ASKED = 5.0
"""The same of one whose issuer is asked as well, which keeps its own answers."""
MOST = 10_000


class Trusted(msgspec.Struct, frozen=True, kw_only=True):
    """An issuer and the means to check its tokens. Without `keys` it issues no signed ones, without
    `introspector` no opaque ones; `always` asks it about signed ones too."""

    issuer: Issuer
    keys: Keys | None = None
    introspector: Introspector | None = None
    always: bool = False


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A good token, whoever sent it."""

    principal: Principal
    bound: Bound
    required: frozenset[str]
    ends: float


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
        self._asked = [one for one in trusted if one.introspector is not None]
        self._revocations = revocations
        self._clock = clock
        self._wall = wall
        self._bound_only = bound_only
        self._known: Bounded[str, Verified] = Bounded(MOST)

    async def principal(self, token: str, presented: Presented) -> Principal:
        """Raises InvalidToken, InsufficientScope or Unavailable."""
        key = digest(token)
        verified = self._known.get(key, self._clock())
        if verified is None:
            verified = await self._checked(token, presented.scheme)
            self._keep(key, verified)
        self._revocations.check(verified.principal, presented.scheme)
        check_binding(verified.bound, presented, self._bound_only)
        if not verified.required <= verified.principal.scopes:
            raise InsufficientScope(verified.required, presented.scheme)
        return verified.principal

    async def _checked(self, token: str, scheme: str) -> Verified:
        try:
            return await self.verified(token)
        except NotSigned as error:
            raise InvalidToken(str(error), scheme) from None
        except NoKeys:
            raise Unavailable("the issuer's keys are not known", scheme) from None

    async def verified(self, token: str) -> Verified:
        """Raises NotSigned, NoKeys or Unavailable. Whether it was revoked is not asked here."""
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
        return await self._opaque(token)

    async def _signed(self, signed: Signed, token: str) -> Verified:
        url = signed.claims.get("iss")
        trusted = self._by_url.get(url) if isinstance(url, str) else None
        if trusted is None or trusted.keys is None:
            raise NotSigned("its issuer is not trusted")
        issuer = trusted.issuer
        check_type(signed, issuer)
        if signed.alg not in issuer.preset.algorithms:
            raise NotSigned("its algorithm is not allowed")
        _verify(signed, await trusted.keys.find(signed.kid, signed.alg), issuer)
        check_claims(signed.claims, issuer, self._wall())
        if trusted.always and trusted.introspector is not None:
            if not await trusted.introspector.claims(token):
                raise NotSigned("its issuer says that it is not active")
            return _verified(signed.claims, issuer, self._wall() + KEPT_ASKED)
        return _verified(signed.claims, issuer, self._wall() + KEPT)

    async def _opaque(self, token: str) -> Verified:
        """Of the first issuer who knows it; one that cannot be asked may be the one."""
        silent: Unavailable | None = None
        for trusted in self._asked:
            assert trusted.introspector is not None
            try:
                claims = await trusted.introspector.claims(token)
            except Unavailable as error:
                silent = error
                continue
            if claims:
                check_answer(claims, trusted.issuer, self._wall())
                return _verified(claims, trusted.issuer, self._wall() + KEPT_ASKED)
        if silent is not None:
            raise silent
        raise NotSigned("nobody knows it")

    def _keep(self, key: str, verified: Verified) -> None:
        self._known.put(key, verified, self._clock() + verified.ends - self._wall())


def _verify(signed: Signed, keys: Sequence[object], issuer: Issuer) -> None:
    for key in keys:
        try:
            verify(signed, key, issuer.preset.algorithms)  # type: ignore[arg-type]
        except NotSigned:
            continue
        return
    raise NotSigned("no key of its issuer signed it")


def _verified(claims: object, issuer: Issuer, until: float) -> Verified:
    assert isinstance(claims, dict)
    principal = issuer.principal(claims)
    if principal is None:
        raise NotSigned("it does not say which client it is of")
    ends = min(until, claims["exp"] + issuer.leeway)
    return Verified(principal=principal, bound=bound(claims), required=issuer.required, ends=ends)
