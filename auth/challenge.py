"""How a fault is answered: its status and its `WWW-Authenticate`.

RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from auth.faults import Fault, InsufficientScope, NonceNeeded


class Challenger(msgspec.Struct, frozen=True, kw_only=True):
    """`algorithms` are those of a DPoP proof; `basic` tells whether keys are accepted."""

    realm: str
    metadata_url: str
    algorithms: Sequence[str]
    basic: bool = False

    def headers(self, fault: Fault) -> list[tuple[str, str]]:
        """All headers of the answer. Each way to identify oneself is one challenge; the fault's
        code stands in that of the way that was tried, or in Bearer's."""
        headers = [("cache-control", "no-store")]
        if fault.retry_after is not None:
            headers.append(("retry-after", str(fault.retry_after)))
        if isinstance(fault, NonceNeeded):
            headers.append(("dpop-nonce", fault.nonce))
        if fault.status in (400, 401, 403):
            schemes = ["Bearer", "DPoP", *(["Basic"] if self.basic else [])]
            headers += [("www-authenticate", self._challenge(s, fault)) for s in schemes]
        return headers

    def _challenge(self, scheme: str, fault: Fault) -> str:
        parameters = {"realm": self.realm}
        if fault.error is not None and scheme == (fault.scheme or "Bearer") and scheme != "Basic":
            parameters |= {"error": fault.error, "error_description": fault.sentence}
            if isinstance(fault, InsufficientScope):
                parameters["scope"] = " ".join(sorted(fault.needed))
        if scheme == "DPoP":
            parameters["algs"] = " ".join(self.algorithms)
        if scheme == "Basic":
            parameters["charset"] = "UTF-8"
        else:
            parameters["resource_metadata"] = self.metadata_url
        return f"{scheme} " + ", ".join(f'{name}="{text}"' for name, text in parameters.items())
