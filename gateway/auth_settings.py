"""The tables below `[auth]`: who may issue tokens, which keys exist, what binds tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from auth.credentials import NAME
from auth.hashed import read_hash
from auth.issuer import PRESETS
from auth.metadata import SCOPES
from auth.rows import RowRules
from auth.signature import ASYMMETRIC, FAPI
from connectors.secret import Secret
from connectors.transport import LOOPBACK
from gateway.access_settings import PolicySettings
from gateway.loopback import is_loopback

TENANT = "{tid}"
ORIGIN = re.compile(
    r"(https(?!.*:443$)|http(?!.*:80$))://"
    r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?"
)
"""As browsers and clients write it (RFC 6454 section 6.2): no capitals, no port that goes without
saying."""
PLAIN = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
"""The letters of an address (RFC 3986 section 2)."""
LEAST_SECRET = 16
LEAST_PREFIX = 7
MAPPED = IPv6Network("::ffff:0:0/96")
MINUTES = Annotated[int, msgspec.Meta(ge=0, le=600)]
Network = IPv4Network | IPv6Network
Profile = Literal["standard", "fapi2"]
Spelling = Literal["rfc9068", "keycloak", "auth0", "okta", "entra"]


class IntrospectionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where opaque tokens are asked for. `always` asks about signed ones too; `stale` lets a token
    in that was active until its own end while the issuer does not answer."""

    url: str
    client_id: str
    client_secret: Secret
    always: bool = False
    stale: bool = False

    def __post_init__(self) -> None:
        check_url("url", self.url)


class IssuerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`issuer` is its exact `iss`, with `{tid}` for each of `tenants` (Entra). What is None is the
    preset's. `scopes` turns its words into ours. `leeway` and `key_wait` in seconds."""

    issuer: str
    preset: Spelling = "rfc9068"
    audiences: tuple[str, ...] = ()
    jwks_uri: str | None = None
    tenants: tuple[str, ...] = ()
    algorithms: tuple[str, ...] | None = None
    strict: bool | None = None
    scopes_from: tuple[str, ...] | None = None
    client_id_from: tuple[str, ...] | None = None
    tenant_from: tuple[str, ...] | None = None
    partner_from: tuple[str, ...] | None = None
    separator: str | None = None
    scopes: dict[str, tuple[str, ...]] | None = None
    required_scopes: tuple[str, ...] = ()
    leeway: MINUTES = 60
    key_wait: Annotated[float, msgspec.Meta(ge=0, le=5)] = 0.0
    introspection: IntrospectionSettings | None = None

    def __post_init__(self) -> None:
        check_url("issuer", self.issuer.replace(TENANT, "tid"))
        if (TENANT in self.issuer) != bool(self.tenants):
            raise ValueError("tenants: they are listed if the issuer holds {tid}, and only then")
        if not all(map(NAME.fullmatch, self.tenants)) or len(self.urls) != len(self.tenants or "1"):
            raise ValueError("tenants: letters, digits, - . _ ~, each once")
        if self.separator == "":
            raise ValueError("separator: not empty; without it, whitespace separates")
        if self.jwks_uri is not None:
            check_url("jwks_uri", self.jwks_uri)
        for algorithm in self.algorithms or ():
            if algorithm not in ASYMMETRIC:
                raise ValueError(f"algorithms: known: {', '.join(sorted(ASYMMETRIC))}")
        for words in (self.scopes or {}).values():
            check_scopes("scopes", words)
        check_scopes("required_scopes", self.required_scopes)

    @property
    def urls(self) -> dict[str, str]:
        """Its issuers by their tenant; without a template one, of no tenant."""
        return {tenant: self.issuer.replace(TENANT, tenant) for tenant in self.tenants or ("",)}

    def all_algorithms(self, fapi: bool) -> tuple[str, ...]:
        chosen = self.algorithms or PRESETS[self.preset].algorithms
        return tuple(one for one in chosen if one in FAPI) if fapi else chosen


class EmbeddedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Our own issuer. `keys` is a file, made at the first start; `lifetime` of a token in seconds,
    `rotate_days` of a key. `demo_clients` have secrets that everybody knows."""

    keys: str = "tillgate-keys.json"
    lifetime: Annotated[int, msgspec.Meta(ge=60, le=3600)] = 600
    rotate_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 90
    demo_clients: bool = False


class ApiKeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`secret_hash` is what `tillgate clients key NAME` prints; `ends` has a zone."""

    secret_hash: str
    scopes: tuple[str, ...]
    tenant: str | None = None
    partner: str | None = None
    ends: datetime | None = None

    def __post_init__(self) -> None:
        try:
            read_hash(self.secret_hash)
        except ValueError as error:
            raise ValueError(f"secret_hash: {error}; see tillgate clients key") from None
        check_scopes("scopes", self.scopes)
        if self.ends is not None and self.ends.tzinfo is None:
            raise ValueError("ends: a time with a zone, such as 2027-01-01T00:00:00Z")


class DpopSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With `nonce_secret`, the same in every process, proofs must carry a nonce of ours."""

    nonce_secret: Secret | None = None

    def __post_init__(self) -> None:
        secret = self.nonce_secret
        if secret is not None and len(secret.reveal().encode()) < LEAST_SECRET:
            raise ValueError(f"nonce_secret: at least {LEAST_SECRET} bytes")


class MtlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`header` holds the client's certificate (RFC 9440, or a percent-encoded PEM); it counts from
    `proxies` only, which are networks such as 10.0.0.0/8."""

    header: str = "client-cert"
    proxies: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.proxies:
            raise ValueError("proxies: whose word counts?")
        try:
            networks = self.networks
        except ValueError:
            raise ValueError("proxies: networks, such as 10.1.2.0/24") from None
        if any(_is_everybody(network) for network in _joined(networks)):
            raise ValueError("proxies: not everybody")

    @property
    def networks(self) -> tuple[Network, ...]:
        return tuple(ip_network(text) for text in self.proxies)


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`resource` is our origin as clients see it: what tokens are for, and what proofs are about.
    `profile` `"fapi2"` demands bound tokens and strong algorithms (FAPI 2.0 Security Profile)."""

    resource: str
    profile: Profile = "standard"
    realm: str = "tillgate"
    issuers: dict[str, IssuerSettings] = {}
    embedded: EmbeddedSettings | None = None
    api_keys: dict[str, ApiKeySettings] = {}
    dpop: DpopSettings = DpopSettings()
    mtls: MtlsSettings | None = None
    policy: PolicySettings = PolicySettings()
    rows: RowRules = RowRules()

    @property
    def fapi(self) -> bool:
        return self.profile == "fapi2"

    def __post_init__(self) -> None:
        check_url("resource", self.resource)
        if not ORIGIN.fullmatch(self.resource):
            raise ValueError("resource: an origin, such as https://data.example.com")
        if not re.fullmatch(r'[^"\\\x00-\x1f\x7f-\U0010ffff]{1,64}', self.realm):
            raise ValueError("realm: plain letters, without quotes")
        if not self.issuers and self.embedded is None and not self.api_keys:
            raise ValueError("issuers: whose tokens? Or [auth.embedded], or [auth.api_keys.NAME]")
        if self.fapi and self.api_keys:
            raise ValueError("api_keys: the profile fapi2 allows none")
        for name in (*self.issuers, *self.api_keys):
            if not NAME.fullmatch(name):
                raise ValueError(f"issuers: {name[:64]!r} is no name: letters, digits, - . _ ~")
        self._check_issuers()
        if self.embedded is not None and self.embedded.demo_clients and not self._is_loopback:
            raise ValueError(
                "embedded: demo_clients are for loopback only, and resource is not there:"
                " everybody knows their secrets"
            )

    @property
    def _is_loopback(self) -> bool:
        return is_loopback(urlsplit(self.resource).hostname or "")

    def _check_issuers(self) -> None:
        urls = [url for one in self.issuers.values() for url in one.urls.values()]
        if self.embedded is not None:
            urls.append(self.resource)
        if len(set(urls)) < len(urls):
            raise ValueError("issuers: two have the same issuer")
        for name, one in self.issuers.items():
            if not one.all_algorithms(self.fapi):
                raise ValueError(
                    f"issuers: {name}: the profile fapi2 allows none of its algorithms"
                )


def _joined(networks: Iterable[Network]) -> Iterable[Network]:
    """Two halves of everybody are everybody."""
    told = list(networks)
    yield from collapse_addresses(one for one in told if isinstance(one, IPv4Network))
    yield from collapse_addresses(one for one in told if isinstance(one, IPv6Network))


def _is_everybody(network: Network) -> bool:
    """More than any company has; IPv4 written as IPv6 is all of IPv4."""
    if isinstance(network, IPv6Network) and network.supernet_of(MAPPED):
        return True
    return network.prefixlen < LEAST_PREFIX


def check_url(key: str, url: str) -> None:
    """ValueError unless it is https, or http on loopback, without anything but host and path."""
    try:
        # It would leave out line breaks without a word.
        parts = urlsplit(url if PLAIN.fullmatch(url) else "")
        host = parts.hostname
        good = parts.port is None or parts.port > 0
    except ValueError:
        host, good = None, False
    if not good or not host or parts.scheme not in ("https", "http"):
        raise ValueError(f"{key}: not an address")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ValueError(f"{key}: only https, except on loopback")
    if parts.username is not None or "?" in url or "#" in url:
        raise ValueError(f"{key}: without user, query and fragment")


def check_scopes(key: str, scopes: Iterable[str], known: Iterable[str] = SCOPES) -> None:
    """ValueError for one that nothing asks for."""
    for scope in scopes:
        if scope not in known:
            near = get_close_matches(scope, list(known), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            raise ValueError(f"{key}: there is no scope {scope[:64]!r}, {hint}")
