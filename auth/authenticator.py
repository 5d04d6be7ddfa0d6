"""Who asks: from a request's headers to its principal, or the fault that it is answered with."""

from __future__ import annotations

from auth.access_tokens import AccessTokens
from auth.api_keys import ApiKeys
from auth.binding import Presented
from auth.certificate import Certificates
from auth.credentials import Asked, SentKey, SentToken, credentials
from auth.dpop import Proof, Proofs, Proven
from auth.principal import Principal


class Authenticator:
    """`origin` is ours as clients see it, such as `https://data.example.com`."""

    def __init__(
        self,
        origin: str,
        tokens: AccessTokens,
        proofs: Proofs,
        certificates: Certificates | None = None,
        keys: ApiKeys | None = None,
    ) -> None:
        self._origin = origin
        self._tokens = tokens
        self._proofs = proofs
        self._certificates = certificates
        self._keys = keys

    @property
    def nonce(self) -> str | None:
        """What the next proof should carry, if nonces are in use."""
        return None if self._proofs.nonces is None else self._proofs.nonces.current()

    async def principal(self, asked: Asked) -> Principal:
        """Raises a Fault."""
        sent = credentials(asked, basic=self._keys is not None)
        if isinstance(sent, SentKey):
            assert self._keys is not None
            return await self._keys.principal(sent.key_id, sent.secret, asked.peer or "")
        proven = self._proven(asked, sent) if sent.scheme == "DPoP" else None
        presented = Presented(
            scheme=sent.scheme,
            key=None if proven is None else proven.key,
            certificate=self._certificate(asked),
            peer=asked.peer or "",
        )
        principal = await self._tokens.principal(sent.token, presented)
        if proven is not None:
            await self._proofs.spend(proven)
        return principal

    def _proven(self, asked: Asked, sent: SentToken) -> Proven:
        return self._proofs.check(
            Proof(
                headers=asked.all("dpop"),
                method=asked.method,
                url=self._origin + asked.path,
                token=sent.token,
            )
        )

    def _certificate(self, asked: Asked) -> str | None:
        if self._certificates is None:
            return None
        told = asked.all(self._certificates.header)
        return self._certificates.thumbprint(asked.peer, told)
