"""Everything that the gateway writes down anywhere, declared once: what is not here is not kept.

The page `docs/data.md` shows it, `tillgate subject` goes by it, and a test holds it against the
tables that a store really has.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class Place(Enum):
    STORE = "table"
    REDIS = "Redis"
    FILE = "file"
    LOG = "log"


class Road(Enum):
    """What `tillgate subject` does with what is about somebody."""

    ERASED = "exported, erased"
    STAYS = "exported, stays"
    NOBODY = "about nobody"


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """`class_` says whether it is personal or secret. `why` is the reason of what STAYS."""

    name: str
    place: Place
    what: str
    class_: str
    kept_for: str
    protected: str
    road: Road = Road.NOBODY
    why: str = ""


HOLDINGS = (
    Holding(
        name="order_payment_link",
        place=Place.STORE,
        what="ids of an order and a payment that an operator linked; file and line they were in",
        class_="personal: ids of records, which their vendors can tell whose they are",
        kept_for="until erased",
        protected="the database's own rights; it is looked up by them, so not sealed",
        road=Road.ERASED,
    ),
    Holding(
        name="reference_entry",
        place=Place.STORE,
        what="ids, order numbers, times and amounts of payments, refunds and disputes",
        class_="personal: ids and amounts, without names or addresses",
        kept_for="until erased, or `tillgate index forget`",
        protected="the database's own rights; it is looked up by them, so not sealed",
        road=Road.ERASED,
    ),
    Holding(
        name="ledger_period",
        place=Place.STORE,
        what="which bill or window of a source was read, how many entries, a hash of all of them",
        class_="no",
        kept_for="for good",
        protected="the database's own rights",
    ),
    Holding(
        name="ledger_coverage",
        place=Place.STORE,
        what="of which time the statements of a source were read, and readings that are unfinished",
        class_="no",
        kept_for="for good",
        protected="the database's own rights",
    ),
    Holding(
        name="tombstone",
        place=Place.STORE,
        what="HMACs of erased ids and order numbers, when, a fingerprint of the secret",
        class_="personal only for who has the secret and the id",
        kept_for="for good",
        protected="its secret is sealed",
        road=Road.STAYS,
        why="so that a bill, an import or a lookup does not bring back what was erased",
    ),
    Holding(
        name="sealed_secret",
        place=Place.STORE,
        what="secrets of our own: that of the tombstones",
        class_="secret",
        kept_for="for good",
        protected="sealed with AES-256-GCM",
    ),
    Holding(
        name="oauth_client",
        place=Place.STORE,
        what="clients of the embedded issuer: id, scopes, tenant, partner, public keys",
        class_="secret: a hash of the client's secret",
        kept_for="for good: an id is never given again",
        protected="scrypt, of 256 random bits",
    ),
    Holding(
        name="revocation",
        place=Place.STORE,
        what="ids of tokens and of clients that were revoked",
        class_="no",
        kept_for="an hour beyond the token's end; of a client for good",
        protected="the database's own rights",
    ),
    Holding(
        name="revocation_changes",
        place=Place.STORE,
        what="how often revocations changed",
        class_="no",
        kept_for="for good",
        protected="the database's own rights",
    ),
    Holding(
        name="used_once",
        place=Place.STORE,
        what="hashes of DPoP proofs and client assertions",
        class_="no",
        kept_for="until the proof is over, minutes",
        protected="SHA-256 of random ids",
    ),
    Holding(
        name="alembic_version",
        place=Place.STORE,
        what="the version of the tables",
        class_="no",
        kept_for="for good",
        protected="",
    ),
    Holding(
        name="budgets",
        place=Place.REDIS,
        what="how many points clients have left, under a hash of issuer, client and tenant",
        class_="no",
        kept_for="until the bucket is full again",
        protected="Redis's own password and rights",
    ),
    Holding(
        name="auth.embedded.keys",
        place=Place.FILE,
        what="private keys that sign the embedded issuer's tokens",
        class_="secret",
        kept_for="until its last token is over",
        protected="owner only (0600), sealed with AES-256-GCM where [encryption] is configured",
    ),
    Holding(
        name="audit",
        place=Place.FILE,
        what="in `[audit] folder`: who saw which records, was refused, or administered; what"
        " clients are known to read",
        class_="personal: pseudonyms (HMAC) of records; client, user and address of who asked",
        kept_for="`[audit] keep`, a year at least",
        protected="owner only (0600); chained with HMAC, so that a change is found",
        road=Road.STAYS,
        why="who saw personal data must be provable (GDPR 17(3)(b), PIPL 47 and 51, PCI DSS 10.5)",
    ),
    Holding(
        name="bills while they are read",
        place=Place.FILE,
        what="downloaded bills of Alipay, WeChat Pay and UnionPay, and entries not written yet",
        class_="personal: who paid, as the bill has it",
        kept_for="until the bill is read, minutes; files without a name, gone with the process",
        protected="AES-256-CTR under a key in memory; UnionPay's answer as it came (see below)",
    ),
    Holding(
        name="`tillgate subject export --out`",
        place=Place.FILE,
        what="what is kept about one person",
        class_="personal",
        kept_for="until whoever made it deletes it",
        protected="owner only (0600), never over another file",
    ),
    Holding(
        name="standard error",
        place=Place.LOG,
        what="per request its id, operation name, status, time; failures by source, place, type",
        class_="no: never variables, ids, addresses, tokens or a vendor's text",
        kept_for="by whoever collects it; at least 6 months in China (CSL 21(3))",
        protected="by whoever collects it",
    ),
    Holding(
        name="standard output of commands",
        place=Place.LOG,
        what="`links`, `subject export`, `map` and `check --data` print ids; what `map` samples is"
        " shown by its form only",
        class_="personal: ids, where a command's purpose is to show them",
        kept_for="by whoever runs the command",
        protected="by whoever runs the command",
    ),
)

HEAD = (
    "| what | where | holds | personal or secret | kept for | protected by | `tillgate subject` |\n"
    "|---|---|---|---|---|---|---|\n"
)


def holdings_table() -> str:
    """As the documentation has it, in Markdown."""
    return HEAD + "".join(
        f"| {_code(one.name)} | {one.place.value} | {one.what} | {one.class_} | {one.kept_for} |"
        f" {one.protected} | {one.road.value}{': ' if one.why else ''}{one.why} |\n"
        for one in HOLDINGS
    )


def what_stays() -> dict[str, str]:
    """Why, by name."""
    return {one.name: one.why for one in HOLDINGS if one.road is Road.STAYS}


def _code(name: str) -> str:
    return name if " " in name else f"`{name}`"
