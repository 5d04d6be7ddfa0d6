"""How many files and connections this process may have open, and how many it needs."""

from __future__ import annotations

import logging
import resource

from connectors.registry import Registry
from gateway.auth_compose import OUTBOUND
from gateway.settings import Settings

log = logging.getLogger("tillgate.process")
MARGIN = 256
"""For clients' connections, the store, the logs and the program's own files."""


def needed(settings: Settings, registry: Registry) -> int:
    """All connections that sources and issuers may have at once, and a margin."""
    sources = (
        own.concurrency or registry[own.vendor].limits.concurrency
        for own in settings.sources.values()
    )
    issuers = 0 if settings.auth is None else len(settings.auth.issuers)
    return sum(sources) + issuers * OUTBOUND.concurrency + MARGIN


def provide(count: int) -> None:
    """Raises the process's limit as far as the machine allows; logs a warning if it stays less."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return
    if hard == resource.RLIM_INFINITY or hard > soft:
        soft = count if hard == resource.RLIM_INFINITY else min(hard, count)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < count:
        log.warning(
            "too few file descriptors: raise the limit (ulimit -n)",
            extra={"fields": {"limit": soft, "needed": count}},
        )
