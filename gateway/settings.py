"""`tillgate.toml`, read strictly into one frozen value. Nothing below reads the environment."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from auth.sealing import Sealer
from connectors.mapping import MappedSettings, source_names
from connectors.registry import Registry, UnknownVendor
from connectors.secret import Secret
from connectors.vendor import SourceSettings
from gateway.access_settings import check_policy, resolved_rows
from gateway.audit_settings import AuditSettings
from gateway.auth_settings import AuthSettings
from gateway.budget_settings import BudgetSettings, RedisSettings
from gateway.documents_settings import DocumentsSettings, resolved_documents
from gateway.encryption_settings import EncryptionSettings
from gateway.strict import Reader, SettingsError, unknown, unknown_name
from schema.limits import OperationLimits


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`profile` decides introspection, GraphiQL, plain GET and federation unless they are given.

    `hosts` are names besides loopback's under which it may be asked, for instance a proxy's.
    `deadline` in seconds bounds a whole request, `drain` the wait for running ones at the end. At
    most `running` operations run at once and `waiting` ones wait for their turn; others are
    refused (503).
    """

    host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8000
    profile: Literal["production", "development"] = "production"
    deadline: Annotated[float, msgspec.Meta(gt=0, le=300)] = 15.0
    drain: Annotated[int, msgspec.Meta(ge=0, le=600)] = 15
    running: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 64
    waiting: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 256
    introspection: bool | None = None
    federation: bool | None = None

    @property
    def development(self) -> bool:
        return self.profile == "development"

    @property
    def shows_schema(self) -> bool:
        return self.development if self.introspection is None else self.introspection

    @property
    def is_subgraph(self) -> bool:
        return self.development if self.federation is None else self.federation


class PairSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which payment sources the payments of a CRM's orders are looked for."""

    orders: str
    payments: tuple[str, ...]


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where links and the index of references are kept: an SQLAlchemy URL, whose password stands
    apart as a secret."""

    url: str = "sqlite+aiosqlite:///tillgate.db"
    password: Secret | None = None

    def __post_init__(self) -> None:
        if re.match(r"[^/]*//[^/@]*:[^/@]+@", self.url):
            raise ValueError('url: the password belongs into password = { env = "NAME" }')


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without `pairs` every CRM goes with every payment source."""

    pairs: tuple[PairSettings, ...] | None = None


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables of the file; a source's own keys depend on its vendor."""

    server: ServerSettings = ServerSettings()
    limits: OperationLimits = OperationLimits()
    store: StoreSettings = StoreSettings()
    links: LinkSettings = LinkSettings()
    auth: AuthSettings | None = None
    encryption: EncryptionSettings | None = None
    audit: AuditSettings | None = None
    budget: BudgetSettings = BudgetSettings()
    redis: RedisSettings | None = None
    documents: DocumentsSettings | None = None
    sources: dict[str, Any] = {}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Without `auth` nobody is asked who he is, and only loopback is served."""

    server: ServerSettings = ServerSettings()
    limits: OperationLimits = OperationLimits()
    store: StoreSettings = StoreSettings()
    links: LinkSettings = LinkSettings()
    auth: AuthSettings | None = None
    encryption: EncryptionSettings | None = None
    audit: AuditSettings | None = None
    budget: BudgetSettings = BudgetSettings()
    redis: RedisSettings | None = None
    documents: DocumentsSettings | None = None
    sources: Mapping[str, SourceSettings]

    @property
    def sealer(self) -> Sealer | None:
        """What seals whatever is kept and nobody else may read."""
        return None if self.encryption is None else self.encryption.sealer()


def load(path: Path, registry: Registry, environ: Mapping[str, str] = os.environ) -> Settings:
    """Raises SettingsError, which says what to change."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {type(error).__name__}") from None
    return parse(text, registry, Reader(environ, path.parent))


def parse(text: str, registry: Registry, reader: Reader) -> Settings:
    """The settings in a TOML text."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"not TOML: {error}") from None
    file = reader.read(tables, File, "")
    sources = {name: _source(name, table, registry, reader) for name, table in file.sources.items()}
    if not sources:
        raise SettingsError("sources: none is configured")
    settings = Settings(
        server=file.server,
        limits=file.limits,
        store=file.store,
        links=file.links,
        auth=file.auth,
        encryption=file.encryption,
        audit=file.audit,
        budget=file.budget,
        redis=file.redis,
        documents=resolved_documents(file.documents, reader.folder, file.auth is not None),
        sources=sources,
    )
    _check_pairs(settings)
    _check_sources(settings)
    _check_demo(settings)
    return settings if settings.auth is None else _resolved(settings, settings.auth, registry)


def _resolved(settings: Settings, auth: AuthSettings, registry: Registry) -> Settings:
    check_policy(auth.policy, settings.server.development)
    rows = resolved_rows(auth.rows, settings.sources, registry)
    return msgspec.structs.replace(settings, auth=msgspec.structs.replace(auth, rows=rows))


def _source(name: str, table: Any, registry: Registry, reader: Reader) -> SourceSettings:
    place = f"sources.{name}"
    if not name.isascii() or not name.replace("_", "").isalnum():
        raise SettingsError(f"{place}: a source's name is letters, digits and underscores")
    if not isinstance(table, dict) or not isinstance(table.get("vendor"), str):
        raise SettingsError(f"{place}.vendor: missing; known: {', '.join(registry.names)}")
    try:
        vendor = registry[table["vendor"]]
    except UnknownVendor as error:
        raise SettingsError(f"{place}.vendor: {error}") from None
    own = reader.read(table, vendor.settings, place)
    for rate in own.rates:
        if rate not in vendor.limits.rates:
            raise SettingsError(unknown(f"{place}.rates.{rate}", rate, vendor.limits.rates))
    return own


def _check_sources(settings: Settings) -> None:
    """A mapping that names a source which there is not would lose links without a word."""
    for name, own in settings.sources.items():
        for held in source_names(own.mapping) if isinstance(own, MappedSettings) else ():
            if held not in settings.sources:
                place = f"sources.{name}: its mapping holds ids of {held!r}"
                raise SettingsError(unknown_name(place, held, settings.sources))


def _check_demo(settings: Settings) -> None:
    """Loopback is no protection where a proxy leads to it under another name."""
    own = None if settings.auth is None else settings.auth.embedded
    if own is not None and own.demo_clients and settings.server.hosts:
        raise SettingsError(
            "auth.embedded.demo_clients: for loopback only, and server.hosts names other hosts:"
            " everybody knows their secrets"
        )


def _check_pairs(settings: Settings) -> None:
    seen: set[str] = set()
    for index, pair in enumerate(settings.links.pairs or ()):
        if pair.orders in seen:
            raise SettingsError(f"links.pairs[{index}].orders: {pair.orders!r} has a pair already")
        seen.add(pair.orders)
        for name in (pair.orders, *pair.payments):
            if name not in settings.sources:
                raise SettingsError(f"links.pairs[{index}]: no source is named {name!r}")
