"""A canary in every personal and secret value, and no sink in which any of them is found."""

from __future__ import annotations

import json
import logging
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from auth.field_rules import FIELD_RULES
from auth.hashed import hash_secret
from auth.rows import PartnerRows, RowRules, TenantRows
from auth.rules import FieldClass
from connectors.registry import Registry
from connectors.secret import Secret
from gateway.access_log import JsonFormatter
from gateway.access_settings import PolicySettings
from gateway.audit_settings import AuditSettings
from gateway.auth_settings import ApiKeySettings, AuthSettings, DpopSettings, EmbeddedSettings
from gateway.demo_clients import PARTNER, ROLES, TENANT, demo_client
from gateway.token import fetch_token
from sandbox.generate import generate
from sandbox.server import Server as Sandbox
from sandbox.simulator import Answer, Vendor, discover
from sandbox.world import World
from tests.graph.conftest import WIDE, Control
from tests.serving import GatewayServer

QUOTED = "canary-quoted-by-a-vendor"
SENT = "canary-sent-by-a-client"
KEY = "canary-of-an-api-key-9f8e7d6c"
MASK = "canary-of-the-key-of-pseudonyms-0a1b2c3d"
AUDIT = "canary-of-the-key-of-the-audit-log-8c9d0e1f"
NONCE = "canary-of-the-secret-of-nonces-4e5f6a7b"
LEAST = 6
"""Characters: a shorter value stands in anything by chance."""

EVERYTHING = """query Everything { customers(first: 60) { nodes {
  id name email emails phones customFields
  orders(first: 3) { nodes { number customFields paymentState customer { name } payments { nodes {
    customFields reference payer { account name } method { last4 } customer { email }
    refunds { nodes { customFields reason } } disputes { customFields }
  } } } } } } }"""
MORE = """query More { payments(first: 60) { nodes { customFields payer { account name }
  method { last4 } customer { name email } refunds { nodes { customFields } } } }
  orders(first: 40) { nodes { number customFields customer { name email phones } } } }"""
BY_EMAIL = "query ByEmail($e: String!) { customer(email: $e) { name } }"
BY_FILTER = """query ByFilter($e: String!, $n: String!) {
  a: customers(first: 5, filter: {email: {eq: $e}}) { nodes { name } }
  b: customers(first: 5, filter: {name: {eq: $n}}) { nodes { name } } }"""

SEARCHED_BY_URL = {
    ("salesforce", "/services/data/"): "SOQL is given as the parameter q of a GET",
}
"""Where a vendor's interface takes what is searched for in the address. Who asks by an e-mail or a
name, and may, has it sent there; nothing else of ours is."""


SECRETS_BY_URL = {
    ("yonyou", "/"): "U8 takes app_key, app_secret and token as parameters of every GET",
}
"""The same of what a vendor knows us by."""

NUMBERS = {"transaction_id", "refund_id", "queryId", "invoice_id", "custom_id"}
"""Among custom fields, the numbers of providers by which the index of references finds payments."""


def planted(found: tuple[Vendor, ...]) -> World:
    world = generate(1, 40, vendors=found)
    for number, customer in enumerate(world.customers):
        customer.name = f"Canarina Vogel{number:03}"
        customer.email = f"canary{number:03}@aviary.example" if customer.email else None
        customer.phone = f"+4915550{number:06}" if customer.phone else None
    return world


def quoting(vendor: Vendor) -> Vendor:
    """The same, and what it says of a failure holds a value that is nobody's business."""

    def error(status: int) -> Answer:
        plain = vendor.error(status)
        try:
            body = msgspec.json.encode(_with_quote(msgspec.json.decode(plain.body)))
        except msgspec.DecodeError:
            body = plain.body + QUOTED.encode()
        return replace(plain, body=body)

    return replace(vendor, error=error)


def _with_quote(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_quote(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_quote(inner) for inner in value]
    return f"{value} ({QUOTED})" if isinstance(value, str) and " " in value else value


class Lines(logging.Handler):
    """All that stands in the log, of every logger, with what it was made of."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        # httpx is what the test itself asks with; the gateway does not.
        if not record.name.startswith("httpx"):
            self.texts += [self.format(record), repr(record.args)]


class Aviary:
    """The gateway, who asks it, and what came of it."""

    def __init__(self, sandbox: Sandbox, gateway: GatewayServer, lines: Lines) -> None:
        self.gateway = gateway
        self.control = Control(sandbox)
        self._lines = lines
        self._sandbox = sandbox
        self.tokens = {role: fetch_token(gateway.origin, *demo_client(role)) for role in ROLES}
        self.answers: dict[str, list[httpx.Response]] = {role: [] for role in (*ROLES, "nobody")}
        self.personal: set[str] = set()

    def ask(self, role: str, query: str, **variables: Any) -> Any:
        authorization = f"Bearer {self.tokens[role]}"
        answer = self.gateway.post(query, variables, authorization=authorization)
        self.answers[role].append(answer)
        return answer.json()

    def sinks(self) -> Mapping[str, Callable[[], str]]:
        """Everything that outlives an answer, or is seen by somebody who did not ask."""
        return {
            "log": lambda: "\n".join(self._lines.texts),
            "store": self._store,
            "audit": self._audit,
            "headers": lambda: "\n".join(
                str(answer.headers.multi_items())
                for answers in self.answers.values()
                for answer in answers
            ),
            "errors": self._errors,
            "answers to those who may not see people": lambda: "\n".join(
                answer.text for role in ("bi", "partner", "nobody") for answer in self.answers[role]
            ),
            "addresses": lambda: "\n".join(map(str, self.addresses())),
        }

    def addresses(self) -> list[tuple[str, str, str]]:
        """Vendor, path and query of the calls that they saw; how one logs in is theirs."""
        return [(call["vendor"], call["path"], call["query"]) for call in self.control.calls()]

    def _store(self) -> str:
        folder = self.gateway.store.parent
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert self.gateway.store in files
        return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)

    def _audit(self) -> str:
        assert self.gateway.settings.audit is not None
        files = [path for path in self.gateway.settings.audit.path.rglob("*") if path.is_file()]
        return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)

    def _errors(self) -> str:
        told = [
            (body.get("errors"), body.get("extensions"))
            for answers in self.answers.values()
            for answer in answers
            if isinstance(body := answer.json(), dict)
        ]
        return json.dumps(told, ensure_ascii=False)

    def secrets(self) -> set[str]:
        """What vendors know us by, what clients know us by, and what they were given."""
        ours = {KEY, MASK, AUDIT, NONCE, *self.tokens.values()}
        ours |= {demo_client(role)[1] for role in ROLES}
        # What comes before it may be guessed.
        ours |= {token.rpartition(".")[2] for token in self.tokens.values()}
        return ours | {secret for own in self._vendors_secrets() for secret in own}

    def _vendors_secrets(self) -> Iterator[set[str]]:
        registry = Registry()
        for name, own in self._sandbox.credentials.items():
            settings = self.gateway.settings.sources[name]
            types = registry[settings.vendor].settings
            secret = {f.name for f in msgspec.structs.fields(types) if "Secret" in str(f.type)}
            for key in secret & set(own):
                # Of a key in many lines each line tells something.
                yield {line for line in own[key].splitlines() if not line.startswith("-----")}


@pytest.fixture(scope="module")
def lines() -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    ours = logging.getLogger("tillgate")
    before = ours.level, root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    ours.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    ours.setLevel(before[0])
    root.setLevel(before[1])


@pytest.fixture(scope="module")
def aviary(lines: Lines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aviary]:
    vendors = tuple(map(quoting, discover()))
    world = planted(vendors)
    keys: Path = tmp_path_factory.mktemp("keys") / "keys.json"
    key = ApiKeySettings(secret_hash=str(hash_secret(KEY)), scopes=("orders:read",), tenant=TENANT)
    mine = tuple(f"{s}:customer:{id_}" for c in world.customers for s, id_ in c.sources.items())
    auth = AuthSettings(
        resource="http://127.0.0.1:8000",
        embedded=EmbeddedSettings(keys=str(keys), demo_clients=True),
        api_keys={"excel": key},
        dpop=DpopSettings(nonce_secret=Secret(NONCE)),
        policy=PolicySettings(mask_key=Secret(MASK)),
        rows=RowRules(
            tenants={TENANT: TenantRows(sources=tuple(a.name for a in world.accounts))},
            partners={PARTNER: PartnerRows(customers=mine[:10])},
            without_partner="all",
        ),
    )
    trail = tmp_path_factory.mktemp("audit")
    audit = AuditSettings(key=Secret(AUDIT), folder=str(trail))
    with (
        Sandbox(world, vendors, rate_limits=False) as sandbox,
        GatewayServer(
            sandbox, profile="production", auth=auth, audit=audit, changes={"budget": WIDE}
        ) as gateway,
    ):
        running = Aviary(sandbox, gateway, lines)
        running.control.clear()
        _ask_all(running)
        yield running
        running.control.client.close()


def _ask_all(aviary: Aviary) -> None:
    """Good questions, then those that may not be asked, then bad days, then nonsense."""
    for query in (EVERYTHING, MORE):
        body = aviary.ask("frontend", query)
        assert body["data"] is not None, body
        aviary.personal |= set(_personal(body["data"]))
    email = next(value for value in sorted(aviary.personal) if "@aviary" in value)
    name = next(value for value in sorted(aviary.personal) if value.startswith("Canarina"))
    for role in ROLES:
        aviary.ask(role, EVERYTHING)
        aviary.ask(role, MORE)
        aviary.ask(role, BY_EMAIL, e=email)
        aviary.ask(role, BY_FILTER, e=email, n=name)
        aviary.ask(role, "{ sources { name problem } }")
    for kind in ("status", "bad_json", "cut", "html", "drop"):
        vendors = {call["vendor"] for call in aviary.control.calls()}
        statuses = (400, 403, 500) if kind == "status" else (None,)
        for status in statuses:
            fault = {"kind": kind} | ({"status": status} if status else {})
            aviary.control.faults(*({"vendor": vendor, **fault} for vendor in sorted(vendors)))
            for role in ROLES:
                aviary.ask(role, MORE)
                aviary.ask(role, BY_EMAIL, e=email)
    aviary.control.faults()
    _nonsense(aviary)


def _nonsense(aviary: Aviary) -> None:
    """Each with a value that must not be kept: who sent it may be told of it, nobody else."""
    for role in ROLES:
        aviary.ask(role, f'{{ customer(email: "{SENT}@aviary.example") {{ id }} }}')
        aviary.ask(role, f'{{ order(id: "{SENT}") {{ id }} }}')
        aviary.ask(role, f"{{ order(number: {SENT!r} ")
        aviary.ask(role, BY_EMAIL, e={"deep": SENT})
        aviary.ask(role, "{ orders(after: $a) { totalCount } }".replace("$a", f'"{SENT}"'))
    client = aviary.gateway.client
    basic = [f"excel:{KEY}", f"excel:{SENT}", f"{SENT}:{KEY}"]
    for sent in (
        *(f"Basic {b64encode(pair.encode()).decode()}" for pair in basic),
        *(f"{scheme} {SENT}" for scheme in ("Bearer", "DPoP", "Basic", "Digest")),
        f"Bearer {aviary.tokens['bi']}x",
        f"DPoP {aviary.tokens['bi']}",
    ):
        for content in (b'{"query": "{ __typename }"}', SENT.encode(), b'{"query": 1}'):
            headers = {"authorization": sent, "content-type": "application/json", "dpop": SENT}
            answer = client.post("/graphql", content=content, headers=headers)
            aviary.answers["nobody"].append(answer)
    for path in (
        f"/graphql?access_token={SENT}",
        f"/none?{SENT}",
        f"/{SENT}",
        f"/graphql?query={SENT}",
    ):
        headers = {"authorization": f"Bearer {aviary.tokens['bi']}"}
        answer = client.get(path + SENT, headers=headers)
        if answer.headers.get("content-type", "").startswith("application/"):
            aviary.answers["nobody"].append(answer)
    form = {"grant_type": "client_credentials", "client_id": "demo-bi", "client_secret": SENT}
    aviary.answers["nobody"].append(client.post("/oauth/token", data=form))


def _personal(data: Any) -> Iterator[str]:
    """Values of an answer's personal fields, however deep, long enough to be told from others."""
    for key, value in data.items() if isinstance(data, dict) else ():
        if key in PERSONAL:
            yield from _texts(value)
        for inner in value if isinstance(value, list) else [value]:
            yield from _personal(inner)


PERSONAL = {
    name
    for type_ in FIELD_RULES.values()
    for name, rule in type_.fields.items()
    if rule.class_ is FieldClass.PII and name != "last4"
}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in NUMBERS:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str) and len(value) >= LEAST:
        yield value


def found_in(text: str, values: set[str]) -> list[str]:
    """Which of the values stand in a text, also as JSON or a part of an address writes them."""
    ways = {value: {value, json.dumps(value)[1:-1]} for value in values if len(value) >= LEAST}
    return sorted(value for value, ways_ in ways.items() if any(way in text for way in ways_))


SINKS = (
    "log", "store", "audit", "headers", "errors", "answers to those who may not see people",
    "addresses",
)  # fmt: skip


def test_the_canaries_are_there(aviary: Aviary) -> None:
    """And are seen by whoever may: otherwise that they are not found would mean nothing."""
    assert {"name", "email", "emails", "phones", "customFields", "account"} == PERSONAL
    shown = "\n".join(answer.text for answer in aviary.answers["frontend"])
    assert len(found_in(shown, aviary.personal)) == len(aviary.personal) > 60
    for kind in (r"Canarina Vogel\d{3}", r"canary\d{3}@aviary\.example", r"\+?4915550\d{6}"):
        assert any(re.fullmatch(kind, value) for value in aviary.personal), kind
    assert len(aviary.secrets()) > 20
    assert set(aviary.sinks()) == set(SINKS)
    for read in aviary.sinks().values():
        assert len(read()) > 200
    codes = set(re.findall(r'"code": "([A-Z_]+)"', aviary.sinks()["errors"]()))
    assert {"UPSTREAM_REJECTED", "UPSTREAM_UNAVAILABLE", "UPSTREAM_MALFORMED"} <= codes


@pytest.mark.parametrize("sink", [sink for sink in SINKS if sink != "addresses"])
def test_no_secret_is_anywhere(aviary: Aviary, sink: str) -> None:
    assert found_in(aviary.sinks()[sink](), aviary.secrets()) == []


@pytest.mark.parametrize("sink", [sink for sink in SINKS if sink != "addresses"])
def test_no_personal_value_is_anywhere(aviary: Aviary, sink: str) -> None:
    assert found_in(aviary.sinks()[sink](), aviary.personal) == []


def test_an_address_holds_a_personal_value_only_where_the_vendor_wants_it_there(
    aviary: Aviary,
) -> None:
    assert strange(aviary, aviary.personal, SEARCHED_BY_URL) == []


def test_an_address_holds_a_secret_only_where_the_vendor_wants_it_there(aviary: Aviary) -> None:
    assert strange(aviary, aviary.secrets(), SECRETS_BY_URL) == []


def strange(
    aviary: Aviary, values: set[str], allowed: Mapping[tuple[str, str], str]
) -> list[tuple[str, str]]:
    """Addresses that hold one of the values, where nothing says why; and reasons without any."""
    found = {(vendor, path) for vendor, path, query in aviary.addresses()
             if found_in(path + query, values)}  # fmt: skip
    used = {
        (vendor, lead)
        for vendor, lead in allowed
        if any(vendor == name and path.startswith(lead) for name, path in found)
    }
    rest = [
        (name, path)
        for name, path in sorted(found)
        if not any(name == vendor and path.startswith(lead) for vendor, lead in allowed)
    ]
    return rest + sorted(set(allowed) - used)


@pytest.mark.parametrize("sink", SINKS)
def test_what_a_vendor_quotes_in_its_error_is_nowhere(aviary: Aviary, sink: str) -> None:
    assert QUOTED not in aviary.sinks()[sink]()


@pytest.mark.parametrize("sink", ["log", "store", "headers"])
def test_what_a_client_sent_is_kept_nowhere(aviary: Aviary, sink: str) -> None:
    assert SENT not in aviary.sinks()[sink]()
