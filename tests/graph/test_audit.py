"""What the audit log says of operations: who saw which records, and who was refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auth.access import Mode, Policy
from auth.audit.entry import Entry, Result
from auth.audit.reading import files
from auth.audit.sparing import LISTED
from auth.audit.writer import AuditUnavailable, Writer
from auth.rows import PartnerRows, RowRules, TenantRows
from connectors.registry import Registry
from gateway import trail
from gateway.compose import Gateway, open_gateway
from gateway.operations import Operations
from gateway.peer import Peer
from gateway.trail import Trail
from sandbox.server import Server as Sandbox
from schema.execution import Operation, Outcome
from tests.audit.logs import KEYS, faults, told
from tests.graph.conftest import STRIPE_ONLY, Control
from tests.graph.principals import EVERY_SCOPE, who
from tests.serving import settings_for

pytestmark = pytest.mark.anyio
ANY_PARTNER = Policy(rows=RowRules(partners={"shop": PartnerRows(customers=())}))
PEER = Peer("192.0.2.7", "0af7651916cd43dd8448eb211c80319c")


class Asked:
    """A gateway whose operations are written to a log."""

    def __init__(self, gateway: Gateway, folder: Path, **changes: Any) -> None:
        self.gateway = gateway
        self.folder = folder
        self.writer = Writer(folder, KEYS, "node", **changes)
        self.writer.start()
        self.trail = Trail(self.writer)

    async def __call__(
        self,
        query: str,
        scopes: str = EVERY_SCOPE,
        policy: Policy | None = None,
        variables: dict[str, Any] | None = None,
        **claims: Any,
    ) -> Outcome:
        guarded = msgspec.structs.replace(self.gateway, policy=policy or Policy())
        principal = msgspec.structs.replace(who(scopes, **claims), token_id="jti-1")
        context = guarded.context("request", principal)
        operation = Operation(query, None, variables or {})
        return await Operations(guarded, self.trail).answer(operation, context, PEER)

    def entries(self) -> list[Entry]:
        """Of operations, when all is written."""
        self.writer.close()
        assert faults(self.folder) == []
        return [entry for entry in told(self.folder) if not entry.action.startswith("log_")]

    def one(self) -> Entry:
        (entry,) = [entry for entry in self.entries() if entry.action != "alert"]
        return entry


@pytest.fixture
async def alive(sandbox: Sandbox, tmp_path: Path) -> Any:
    settings = settings_for(sandbox, str(tmp_path))
    sources = {name: settings.sources[name] for name in STRIPE_ONLY}
    settings = msgspec.structs.replace(settings, sources=sources)
    async with open_gateway(settings, Registry()) as gateway:
        yield gateway


@pytest.fixture
def asked(alive: Gateway, tmp_path: Path) -> Iterator[Asked]:
    made = Asked(alive, tmp_path / "audit")
    yield made
    made.writer.close()


def ids_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["id"]} if "id" in value else set()
        return own.union(*(ids_in(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(ids_in(inner) for inner in value))
    return set()


JOINED = """query Shown { orders(first: 20) { nodes { id total { amount } customer { id name }
  payments { nodes { id amount { amount } refunds { nodes { id } } } } } } }"""
TYPES = {"customer": "Customer", "order": "Order", "payment": "Payment", "refund": "Refund"}


async def test_every_record_of_the_answer_is_named_by_its_pseudonym(asked: Asked) -> None:
    outcome = await asked(JOINED)
    shown = ids_in(outcome.body["data"])
    entry = asked.one()
    by_type: dict[str, set[str]] = {}
    for id_ in shown:
        by_type.setdefault(TYPES[id_.split(":")[1]], set()).add(KEYS.pseudonym(id_))
    assert {kind: set(seen.ids) for kind, seen in entry.records.items()} == by_type
    assert {kind: seen.count for kind, seen in entry.records.items()} == {
        kind: len(ids) for kind, ids in by_type.items()
    }
    assert set(by_type) == set(TYPES.values())


async def test_an_entry_says_who_what_and_how(asked: Asked) -> None:
    rows = RowRules(tenants={"acme": TenantRows(sources=STRIPE_ONLY)})
    outcome = await asked(JOINED, policy=Policy(rows=rows), tenant="acme")
    assert "errors" not in outcome.body
    entry = asked.one()
    assert (entry.action, entry.outcome, entry.status) == ("query", Result.ALLOWED, 200)
    assert entry.principal is not None
    assert msgspec.to_builtins(entry.principal) == {
        "iss": "https://as", "client_id": "client", "sub": "subject", "tenant": "acme",
    }  # fmt: skip
    assert (entry.token_jti, entry.ip, entry.request_id) == ("jti-1", PEER.ip, "request")
    assert entry.trace_id == PEER.trace_id
    assert entry.operation_name == "Shown"
    assert entry.classes == ("business", "money", "pii")
    assert set(entry.upstream) == set(STRIPE_ONLY)
    assert all(calls.n >= 1 and calls.ms >= 0 for calls in entry.upstream.values())
    assert (entry.denied_paths, entry.denied_count, entry.masked_count) == ((), 0, 0)


async def test_only_what_is_answered_counts_as_touched(asked: Asked) -> None:
    await asked("{ orders(first: 1) { nodes { number total { amount } } } }", "orders:read")
    entry = asked.one()
    assert entry.outcome is Result.FILTERED
    assert entry.classes == ("business",)
    assert entry.denied_paths == ("orders.nodes.@.total",)
    assert entry.denied_count == 1


async def test_what_is_masked_is_counted(asked: Asked) -> None:
    await asked("{ customers(first: 1) { nodes { id email name } } }", "customers:read")
    assert asked.one().masked_count == 2


async def test_nothing_of_the_values_is_written(asked: Asked) -> None:
    query = """query Q($m: String) { customer(email: $m) { id name phones } literal: customer(
      email: "canary-literal@example.com") { id } canary4111111111111111: __typename }"""
    await asked(query, variables={"m": "canary-variable@example.com"})
    outcome = await asked("{ customers(first: 5) { nodes { name email phones } } }")
    asked.writer.close()
    text = "".join(path.read_text() for path in files(asked.folder))
    assert "canary" not in text
    for node in outcome.body["data"]["customers"]["nodes"]:
        for value in (node["name"], node["email"], *node["phones"]):
            assert value is None or value not in text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ orders(", "GRAPHQL_PARSE_FAILED"),
        ("query Q($a: ID!) { node(id: $a) { id } }", "BAD_USER_INPUT"),
    ],
)
async def test_what_cannot_be_executed_is_told(asked: Asked, query: str, code: str) -> None:
    await asked(query)
    entry = asked.one()
    assert (entry.outcome, entry.reason, entry.status) == (Result.ERROR, code, 400)
    assert entry.principal is not None
    assert entry.records == {}


async def test_a_forbidden_operation_is_a_denial(asked: Asked) -> None:
    await asked(JOINED, "orders:read", Policy(mode=Mode.REJECT))
    entry = asked.one()
    assert (entry.outcome, entry.status) == (Result.DENIED, 403)
    assert entry.reason == "UNAUTHORIZED_FIELD_OR_TYPE"
    assert "orders.nodes.@.total" in entry.denied_paths


async def test_an_operation_of_which_nothing_is_left_is_a_denial(asked: Asked) -> None:
    await asked("{ orders(first: 1) { nodes { id } } }", "")
    entry = asked.one()
    assert (entry.outcome, entry.records, entry.upstream) == (Result.DENIED, {}, {})


async def test_a_dry_run_is_called_one(asked: Asked) -> None:
    await asked(JOINED, "orders:read", Policy(mode=Mode.DRY_RUN))
    entry = asked.one()
    assert entry.outcome is Result.DRY_RUN
    assert entry.denied_count > 0
    assert "Payment" in entry.records


async def test_very_many_denials_are_counted_and_some_are_named(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "MOST_PATHS", 5)
    fields = " ".join(f"a{number}: total {{ amount }}" for number in range(20))
    await asked(f"{{ orders(first: 1) {{ nodes {{ id {fields} }} }} }}", "orders:read")
    entry = asked.one()
    assert entry.denied_count == 20
    assert len(entry.denied_paths) == 5


async def test_the_rows_that_could_be_seen_are_told(asked: Asked) -> None:
    rules = RowRules(
        tenants={"eu": TenantRows(sources=("salesforce", "stripe_eu"))},
        partners={"shop": PartnerRows(customers=("crm:customer:1", "crm:customer:2"))},
    )
    await asked("{ __typename }", policy=Policy(rows=rules), tenant="eu", partner="shop")
    rows = asked.one().rows
    assert rows is not None
    assert (rows.sources, rows.customers) == (("salesforce", "stripe_eu"), 2)


async def test_a_row_of_somebody_else_is_an_event(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test 26: the source, or a mapping, did not do as it was asked."""
    connector = asked.gateway.sources["salesforce"].connector
    read = connector.order_page  # type: ignore[attr-defined]

    async def careless(query: Any) -> Any:
        wide = msgspec.structs.replace(query.filter, customer_ids=None)
        return await read(msgspec.structs.replace(query, filter=wide))

    monkeypatch.setattr(connector, "order_page", careless)
    everybody = await asked("{ customers(first: 1) { nodes { id } } }")
    own = everybody.body["data"]["customers"]["nodes"][0]["id"]
    rules = RowRules(partners={"shop": PartnerRows(customers=(own,))})
    query = "{ orders(first: 3) { nodes { id } } }"
    await asked(query, policy=Policy(rows=rules), partner="shop")
    (event,) = [entry for entry in asked.entries() if entry.action == "authz_violation"]
    assert event.outcome is Result.DENIED
    assert event.about["source"] == "salesforce"
    assert int(event.about["rows"]) > 0
    assert event.principal is not None
    assert event.principal.partner == "shop"


async def test_a_failed_decision_is_an_error_in_the_log(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test 39: it denies everything, and says nothing of why."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret of ours")

    monkeypatch.setattr(asked.gateway.executor._authorizer, "decide", broken)
    outcome = await asked("{ orders(first: 1) { nodes { id } } }")
    assert not outcome.executed
    entry = asked.one()
    assert (entry.outcome, entry.reason) == (Result.ERROR, "INTERNAL_SERVER_ERROR")
    assert "secret of ours" not in json.dumps(msgspec.to_builtins(entry))


async def test_a_failing_source_is_no_denial(asked: Asked, control: Control) -> None:
    control.faults({"vendor": "salesforce", "kind": "status", "status": 503})
    await asked("{ orders(first: 1) { nodes { id } } payments(first: 1) { nodes { id } } }")
    entry = asked.one()
    assert entry.outcome is Result.ALLOWED
    assert entry.records["Payment"].count == 1
    assert "Order" not in entry.records


async def test_a_crash_is_told(asked: Asked) -> None:
    async def answer(*_: object) -> Outcome:
        raise ZeroDivisionError("a secret")

    context = asked.gateway.context("request")
    with pytest.raises(ZeroDivisionError):
        await asked.trail.answered(answer, Operation("{ a }"), context, PEER)
    entry = asked.one()
    assert (entry.outcome, entry.reason) == (Result.ERROR, "INTERNAL_SERVER_ERROR")


async def test_what_was_read_for_an_answer_that_is_too_large_was_not_shown(asked: Asked) -> None:
    limits = msgspec.structs.replace(asked.gateway.settings.limits, objects=10)
    settings = msgspec.structs.replace(asked.gateway.settings, limits=limits)
    asked.gateway = msgspec.structs.replace(asked.gateway, settings=settings)
    outcome = await asked("{ orders(first: 20) { nodes { id customer { id } } } }")
    assert not outcome.executed
    entry = asked.one()
    assert (entry.outcome, entry.reason) == (Result.ERROR, "ANSWER_TOO_LARGE")
    assert entry.records == {}


@pytest.mark.parametrize("below", ["id", "__typename", "id customer { id }"])
async def test_a_failure_among_rows_is_no_record(
    asked: Asked, control: Control, below: str
) -> None:
    control.faults({"vendor": "stripe", "account": "stripe_us", "kind": "status", "status": 503})
    await asked(f"{{ payments(first: 5) {{ nodes {{ {below} }} }} }}")
    entry = asked.one()
    assert entry.records["Payment"].count == 5


async def test_nobody_is_answered_while_nothing_can_be_written(
    alive: Gateway, tmp_path: Path, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(alive, tmp_path / "audit")
    monkeypatch.setattr(Writer, "is_writing", False)
    with pytest.raises(AuditUnavailable):
        await asked(JOINED)
    assert control.paths() == []
    monkeypatch.undo()
    assert asked.entries() == []


async def test_operations_at_once_are_all_there(asked: Asked) -> None:
    await asyncio.gather(*(asked("{ payments(first: 2) { nodes { id } } }") for _ in range(20)))
    entries = asked.entries()
    assert len(entries) == 20
    assert {entry.records["Payment"].count for entry in entries} == {2}


async def test_introspection_is_an_action_of_its_own(asked: Asked) -> None:
    await asked("{ __schema { queryType { name } } }")
    assert asked.one().action == "introspection"


async def test_a_card_number_of_a_vendor_is_not_shown_and_is_told(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connector = asked.gateway.sources["salesforce"].connector
    read = connector.customer_page  # type: ignore[attr-defined]

    async def careless(query: Any) -> Any:
        page = await read(query)
        named = msgspec.structs.replace(page.rows[0].record, name="Mei 4111 1111 1111 1111")
        rows = (msgspec.structs.replace(page.rows[0], record=named), *page.rows[1:])
        return msgspec.structs.replace(page, rows=rows)

    monkeypatch.setattr(connector, "customer_page", careless)
    outcome = await asked("{ customers(first: 1) { nodes { id name } } }")
    assert outcome.body["data"]["customers"]["nodes"][0]["name"] == "Mei [PAN:1111]"
    entries = asked.entries()
    (alert,) = [entry for entry in entries if entry.about.get("rule") == "card_number"]
    assert alert.about == {"rule": "card_number", "source": "salesforce", "count": 1}
    assert alert.request_id == "request"
    told = [r.fields for r in caplog.records if r.name == "tillgate.alerts"]  # type: ignore[attr-defined]
    assert [fields["at"] for fields in told if fields["rule"] == "card_number"] == ["Customer.name"]


async def test_what_is_unusual_is_an_event_and_a_line_of_the_log(
    asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    await asked("{ __schema { queryType { name } } }", policy=ANY_PARTNER, partner="shop")
    (alert,) = [entry for entry in asked.entries() if entry.action == "alert"]
    assert alert.about == {"rule": "partner_introspection"}
    (line,) = [record for record in caplog.records if record.name == "tillgate.alerts"]
    assert line.fields == {  # type: ignore[attr-defined]
        "rule": "partner_introspection", "client": "client", "request": "request",
    }  # fmt: skip


async def test_a_document_is_told_from_others_without_being_told(asked: Asked) -> None:
    for query in ("{ __typename }", "{ __typename }", "{ a: __typename }", "{ nothing }"):
        await asked(query)
    same, again, other, invalid = (entry.op_hash for entry in asked.entries())
    assert same == again
    assert len({same, other, invalid}) == 3


async def test_what_a_client_is_told_of_the_cost_is_written_down(asked: Asked) -> None:
    outcome = Outcome({"data": {}, "extensions": {"cost": {
        "requestedQueryCost": 12, "actualQueryCost": 7}}}, True)  # fmt: skip

    async def answer(*_: object) -> Outcome:
        return outcome

    context = asked.gateway.context("request")
    operation = Operation("{ __typename }", None, {})
    assert await asked.trail.answered(answer, operation, context, PEER) is outcome
    cost = asked.one().cost
    assert cost is not None
    assert (cost.estimate, cost.actual) == (12, 7)


@pytest.mark.parametrize("code", sorted(trail.THROTTLED | trail.UNREGISTERED))
async def test_somebody_without_budget_or_registered_operation_is_refused(
    asked: Asked, code: str
) -> None:
    async def answer(*_: object) -> Outcome:
        return Outcome({"errors": [{"message": "no", "extensions": {"code": code}}]}, False, 1)

    context = asked.gateway.context("request")
    await asked.trail.answered(answer, Operation("{ a }"), context, PEER)
    entry = asked.one()
    assert (entry.outcome, entry.reason) == (Result.DENIED, code)


async def test_somebody_who_spends_too_much_does_not_fill_the_disk(asked: Asked) -> None:
    code = {"extensions": {"code": "THROTTLED"}}
    guarded = msgspec.structs.replace(asked.gateway, policy=Policy())

    async def answer(*_: object) -> Outcome:
        return Outcome({"errors": [code]}, False, 1)

    for subject, count in (("a", LISTED + 5), ("b", 1)):
        principal = msgspec.structs.replace(who(EVERY_SCOPE), subject=subject)
        context = guarded.context("request", principal)
        for _ in range(count):
            await asked.trail.answered(answer, Operation("{ a }"), context, PEER)
    listed = [e for e in asked.entries() if e.action == "query"]
    by_subject = [e.principal.sub for e in listed if e.principal]
    assert [by_subject.count("a"), by_subject.count("b")] == [LISTED, 1]


async def test_operations_that_are_not_registered_are_told_apart(asked: Asked) -> None:
    refused = Outcome(
        {"errors": [{"extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]}, False, 1
    )  # fmt: skip

    async def answer(*_: object) -> Outcome:
        return refused

    context = asked.gateway.context("request")
    for id_ in ("a", "a", "b"):
        await asked.trail.answered(answer, Operation("", document_id=id_), context, PEER)
    same, again, other = (entry.op_hash for entry in asked.entries())
    assert same == again != other


async def test_an_operation_that_was_given_up_is_told(asked: Asked) -> None:
    begun = asyncio.Event()

    async def answer(*_: object) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    context = asked.gateway.context("request")
    asking = asyncio.ensure_future(asked.trail.answered(answer, Operation("{ a }"), context, PEER))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    entry = asked.one()
    assert (entry.outcome, entry.reason) == (Result.ERROR, "INTERNAL_SERVER_ERROR")
