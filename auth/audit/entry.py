"""What an audit entry says. Never a variable's value, a token, a body, an address of e-mail.

Members that have their default are left out of the line.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class Origin(Enum):
    """Which road somebody came by."""

    GRAPHQL = "graphql"
    OAUTH = "oauth"
    HTTP = "http"
    CLI = "cli"
    SYSTEM = "system"


class Result(Enum):
    """`filtered`: answered without what was denied. `dry_run`: would have been filtered. `begun`: a
    command, of which a second entry says how it ended; without one, nobody knows."""

    ALLOWED = "allow"
    FILTERED = "filtered"
    DENIED = "denied"
    ERROR = "error"
    DRY_RUN = "dry_run"
    BEGUN = "begun"


MOST_IDS = 1000
"""Of the records of one type in one entry; all are counted."""


class Who(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The principal: whose token, which client, on behalf of whom. On the command line `sub` is
    the user of the machine."""

    iss: str | None = None
    client_id: str | None = None
    sub: str | None = None
    tenant: str | None = None
    partner: str | None = None


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Records of one type that were shown: how many, and the pseudonyms of the first of them."""

    count: int
    ids: tuple[str, ...] = ()


class Calls(msgspec.Struct, frozen=True):
    """Calls to one source: how many, and milliseconds that they took in sum."""

    n: int
    ms: int


class RowLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which rows could be seen at all: names of sources, and how many customers; None is any."""

    sources: tuple[str, ...] | None = None
    customers: int | None = None


class Cost(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an operation was estimated to cost, and what it did."""

    estimate: int | None = None
    actual: int | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened. `action` is a word of ours (`query`, `authenticate`, `client_added`, `alert`).

    `about` names what an action was done to, in ids that are no secrets: a client, a file, a rule
    of the alerts. `denied_paths` are selections with `@` for lists, the first of `denied_count`;
    `classes` the field classes that were answered; `request_id` stands in the answer and in other
    logs too, `trace_id` is the one of W3C's traceparent. `status` is HTTP's.
    """

    action: str
    origin: Origin
    outcome: Result = Result.ALLOWED
    principal: Who | None = None
    token_jti: str | None = None
    ip: str | None = None
    operation_name: str | None = None
    op_hash: str | None = None
    records: dict[str, Seen] = {}
    classes: tuple[str, ...] = ()
    rows: RowLimits | None = None
    denied_paths: tuple[str, ...] = ()
    denied_count: int = 0
    masked_count: int = 0
    upstream: dict[str, Calls] = {}
    cost: Cost | None = None
    status: int | None = None
    reason: str | None = None
    about: dict[str, str | int] = {}
    request_id: str | None = None
    trace_id: str | None = None


class Entry(Event, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a file: an event, when and where it was written, and the chain.

    `ts` is RFC 3339 in UTC with nanoseconds; `seq` counts from 1 in each file; `prev` and `hash`
    are 64 hexadecimal digits.
    """

    seq: int
    ts: str
    node: str
    prev: str
    hash: str
