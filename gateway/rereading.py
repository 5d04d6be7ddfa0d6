"""What a running gateway takes over of its settings and files when it is told to read them again.

Taken over are the keys of sources, the registered documents and `[encryption]`, each as a whole or
not at all: what is broken leaves what was there before. Every other change needs a restart.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable

import msgspec

from auth.embedded.key_ring import KeyFileUnusable
from connectors.errors import Misconfigured, SourceError, Unauthorized
from connectors.secret import Secret
from gateway.auth_compose import Auth
from gateway.compose import Gateway, Opening, link_rules, open_tombstones
from gateway.settings import Settings
from gateway.strict import SettingsError
from resolvers.sources import ConfiguredSource, Sources
from resolvers.store import StoreUnusable

log = logging.getLogger("tillgate.process")
FIXED = ("server", "limits", "store", "links", "auth", "audit", "budget", "redis")
"""Tables that are read at the start only."""


class Reread(msgspec.Struct):
    """`taken` names what changed, `problems` are sentences on what stays as it was because it is
    broken, `later` names what changes at the next start."""

    gateway: Gateway
    taken: list[str] = []
    problems: list[str] = []
    later: list[str] = []


async def read_again(
    gateway: Gateway, auth: Auth | None, opening: Opening, load: Callable[[], Settings]
) -> Gateway:
    """The gateway with what could be taken over; the same one where nothing could. Requests that
    run keep the one that they began with, and the connections of its sources stay open until the
    process ends. Never raises: each problem is a line in the log."""
    done = Reread(gateway)
    try:
        await _take_over(done, auth, opening, await asyncio.to_thread(load))
    except SettingsError as error:
        done.problems.append(str(error))
    except Exception as error:
        done.problems.append(f"unexpected: {type(error).__name__}")
    for problem in done.problems:
        log.error("kept as it was", extra={"fields": {"why": problem}})
    fields = {"taken": done.taken, "needs_restart": done.later}
    log.warning("settings were read again", extra={"fields": fields})
    return done.gateway


async def _take_over(done: Reread, auth: Auth | None, opening: Opening, new: Settings) -> None:
    done.later += [name for name in FIXED if _differs(done.gateway.settings, new, name)]
    await _sources(done, new, opening)
    _documents(done, new)
    await _encryption(done, auth, new)
    if auth is not None:
        auth.fetch_keys()


async def _sources(done: Reread, new: Settings, opening: Opening) -> None:
    """A source is replaced unless its vendor refuses the new credentials, which it is asked."""
    gateway, old = done.gateway, done.gateway.settings.sources
    opened, settings = dict(gateway.sources), dict(old)
    for name in dict.fromkeys((*old, *new.sources)):
        before, after = old.get(name), new.sources.get(name)
        if fingerprint(before) == fingerprint(after):
            continue
        if before is None or after is None or before.vendor != after.vendor:
            done.later.append(f"sources.{name}")
            continue
        try:
            opened[name] = await _asked(opening.source(name, after))
        except SourceError as error:
            done.problems.append(f"sources.{name}: {error.detail}")
        else:
            settings[name] = after
            done.taken.append(f"sources.{name}")
    sources = Sources(opened.values())
    done.gateway = msgspec.structs.replace(
        gateway,
        settings=msgspec.structs.replace(gateway.settings, sources=settings),
        sources=sources,
        rules=link_rules(gateway.settings, sources, gateway.store),
    )


async def _asked(source: ConfiguredSource) -> ConfiguredSource:
    """Raises SourceError if what was configured is wrong; a vendor that is out cannot tell."""
    try:
        async with asyncio.timeout(source.deadline):
            await source.connector.probe()
    except (Misconfigured, Unauthorized):
        raise
    except (SourceError, TimeoutError) as error:
        log.warning("%s: taken over untried: %s", source.name, type(error).__name__)
    return source


def _documents(done: Reread, new: Settings) -> None:
    """Their files may have changed where the settings have not."""
    try:
        trusted = done.gateway.trusted.again(new.documents)
    except SettingsError as error:
        done.problems.append(str(error))
        return
    if trusted is not done.gateway.trusted:
        done.taken.append("documents")
    settings = msgspec.structs.replace(done.gateway.settings, documents=new.documents)
    done.gateway = msgspec.structs.replace(done.gateway, trusted=trusted, settings=settings)


async def _encryption(done: Reread, auth: Auth | None, new: Settings) -> None:
    """Only keys that open what stands sealed in the store and in the file of signing keys."""
    if not _differs(done.gateway.settings, new, "encryption"):
        return
    if (done.gateway.settings.encryption is None) != (new.encryption is None):
        done.later.append("encryption")
        return
    try:
        await open_tombstones(done.gateway.engine, new)
        if auth is not None:
            auth.use_sealer(new.sealer)
    except (StoreUnusable, KeyFileUnusable) as error:
        done.problems.append(f"encryption: {error}")
        return
    settings = msgspec.structs.replace(done.gateway.settings, encryption=new.encryption)
    done.gateway = msgspec.structs.replace(done.gateway, settings=settings)
    done.taken.append("encryption")


def _differs(old: Settings, new: Settings, name: str) -> bool:
    return fingerprint(getattr(old, name)) != fingerprint(getattr(new, name))


def fingerprint(settings: object) -> bytes:
    """Equal for equal settings; secrets themselves compare by identity."""
    return hashlib.sha256(msgspec.json.encode(settings, enc_hook=_revealed)).digest()


def _revealed(value: object) -> str:
    if not isinstance(value, Secret):
        raise NotImplementedError(type(value))
    return value.reveal()
