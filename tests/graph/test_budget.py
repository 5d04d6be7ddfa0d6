"""What operations cost at the whole gateway, and what a client is told of its budget over HTTP."""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import parse

from auth.hashed import hash_secret
from auth.rows import PartnerRows, RowRules
from gateway.auth_settings import ApiKeySettings, AuthSettings
from gateway.budget_settings import BudgetSettings, ClientBudget, RedisSettings
from gateway.demo import JOINED_QUERY, shown_orders
from sandbox.server import Server as Sandbox
from tests.graph.conftest import STRIPE_ONLY, Control, Truth
from tests.graph.principals import EVERY_SCOPE
from tests.graph.test_calls import JOINED
from tests.redis_server import RedisServer
from tests.serving import GatewayServer

LEGACY = "application/json"
RESPONSE = "application/graphql-response+json"
README = Path(__file__).parents[2] / "README.md"
DOCS = README.parent / "docs" / "budgets.md"
CALL = 10_000
ONLY_CALLS = BudgetSettings(maximum=2**31 - 1, capacity=2**31 - 1, call_cost=CALL)
"""The formula's points are far fewer than one call's."""
NOBODY = "salesforce:order:801000000000999AAA"
NODE = f'{{ node(id: "{NOBODY}") {{ id }} }}'
SLOW = 0.001
"""Points a second: nothing comes back while a test runs."""

PLANNED = {
    "one order": ("{ orders(first: 1) { nodes { number } } }", {}),
    "a page of orders": ("{ orders { nodes { id customer { name } lines { name } } } }", {}),
    "joined": (JOINED, {"first": 10}),
    "joined, many": (JOINED, {"first": 100}),
    "payments": ("{ payments(first: 50) { nodes { order { number } customer { name } } } }", {}),
    "refunds": ("{ refunds(first: 50) { nodes { payment { id } order { number } } } }", {}),
    "customers": ("{ customers { nodes { name orders(first: 5) { nodes { id } } } } }", {}),
    "sums": ("{ customers(first: 5) { nodes { totals { paid { amount } } } } }", {}),
    "by id": (f'{{ nodes(ids: ["{NOBODY}", "{NOBODY}"]) {{ id }} }}', {}),
}


def cost_of(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["extensions"]["cost"]
    return found


@pytest.fixture(scope="module")
def only_calls(sandbox: Sandbox) -> Iterator[GatewayServer]:
    with GatewayServer(sandbox, only=STRIPE_ONLY, changes={"budget": ONLY_CALLS}) as running:
        running.data("{ orders(first: 1) { nodes { payments { nodes { id } } } } }")
        yield running


@pytest.mark.parametrize("name", PLANNED)
def test_no_more_calls_are_made_than_planned_and_all_are_counted(
    only_calls: GatewayServer, control: Control, name: str
) -> None:
    query, variables = PLANNED[name]
    cost = cost_of(only_calls.post(query, variables).json())
    made = len(control.calls())
    assert made == cost["actualQueryCost"] // CALL
    assert made <= cost["requestedQueryCost"] // CALL


def test_more_rows_are_planned_with_no_fewer_calls(only_calls: GatewayServer) -> None:
    costs = [
        cost_of(only_calls.post(JOINED, {"first": first}).json())["requestedQueryCost"]
        for first in (1, 2, 10, 50, 100)
    ]
    assert costs == sorted(costs)


def test_the_examples_of_the_docs_are_counted_so(only_calls: GatewayServer) -> None:
    rows = re.findall(
        r"^\| `(\{.+\})` \| (\d+) \| (\d+) \| (\d+) \|$", DOCS.read_text(encoding="utf-8"), re.M
    )
    assert len(rows) > 8
    for query, points, calls, cost in rows:
        found = cost_of(only_calls.post(query).json())["requestedQueryCost"]
        assert (query, found % CALL, found // CALL) == (query, int(points), int(calls))
        assert int(cost) == int(points) + BudgetSettings().call_cost * int(calls)


def test_the_demos_query_and_the_readmes_may_be_asked_of_every_source(
    gateway: GatewayServer, sandbox: Sandbox
) -> None:
    most = BudgetSettings().maximum
    written = re.search(r"```graphql\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    assert written is not None
    demo = gateway.post(JOINED_QUERY, {"numbers": shown_orders(sandbox.world)}).json()
    readme = gateway.post(written[1]).json()
    for cost in (cost_of(demo), cost_of(readme)):
        assert cost["actualQueryCost"] <= cost["requestedQueryCost"] <= most
        assert "throttleStatus" not in cost


def test_the_promise_of_the_readme_may_be_asked_of_its_sources(stripe_only: GatewayServer) -> None:
    cost = cost_of(stripe_only.post(JOINED, {"first": 100}).json())
    assert cost["requestedQueryCost"] <= BudgetSettings().maximum


@pytest.mark.parametrize(("accept", "status"), [(RESPONSE, 400), (LEGACY, 200)])
def test_an_operation_that_may_cost_too_much_is_refused_before_anything_is_asked(
    stripe_only: GatewayServer, control: Control, accept: str, status: int
) -> None:
    query = "{ customers(first: 100) { nodes { orders(first: 100) { nodes { id } } } } }"
    answer = stripe_only.post(query, accept=accept)
    assert answer.status_code == status
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "COST_ESTIMATED_TOO_EXPENSIVE"
    assert "data" not in answer.json()
    assert cost_of(answer.json())["requestedQueryCost"] > BudgetSettings().maximum
    assert control.paths() == []


@pytest.mark.parametrize("first", ["100.0", "1e2", "1000E-1"])
def test_a_number_costs_the_same_however_it_is_written(
    only_calls: GatewayServer, first: str
) -> None:
    query = "query Q($n: Int) { orders(first: $n) { nodes { number } } }"
    body = f'{{"query": "{query}", "variables": {{"n": {first}}}}}'
    headers = {"content-type": "application/json", "accept": RESPONSE}
    answer = httpx.post(f"{only_calls.origin}/graphql", content=body, headers=headers)
    plain = only_calls.post(query, {"n": 100})
    assert cost_of(answer.json()) == cost_of(plain.json())
    assert cost_of(answer.json())["requestedQueryCost"] > CALL + 100


def test_measuring_refuses_nothing_and_tells(sandbox: Sandbox) -> None:
    measured = BudgetSettings(mode="measure", maximum=1, capacity=1, refill=SLOW)
    with serving(sandbox, measured) as gateway:
        for _ in range(3):
            answer = asked(gateway, NODE)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"node": None}
    assert cost_of(answer.json())["requestedQueryCost"] > 1
    assert cost_of(answer.json())["throttleStatus"]["currentlyAvailable"] == 0


# Of a client


def key(**own: Any) -> ApiKeySettings:
    return ApiKeySettings(
        secret_hash=str(hash_secret("secret")), scopes=tuple(EVERY_SCOPE.split()), **own
    )


def serving(
    sandbox: Sandbox, budget: BudgetSettings, redis: RedisSettings | None = None
) -> GatewayServer:
    rows = RowRules(
        partners={"one": PartnerRows(customers=("salesforce:customer:001000000000999AAA",))},
        without_partner="all",
    )
    auth = AuthSettings(
        resource="https://graph.example",
        api_keys={"shop": key(), "other": key(), "partner": key(partner="one")},
        rows=rows,
    )
    changes = {"budget": budget, "redis": redis}
    return GatewayServer(sandbox, only=STRIPE_ONLY, indexed=False, auth=auth, changes=changes)


def asked(
    gateway: GatewayServer, query: str = NODE, client: str = "shop", accept: str = RESPONSE
) -> httpx.Response:
    basic = b64encode(f"{client}:secret".encode()).decode()
    return gateway.post(query, accept=accept, authorization=f"Basic {basic}")


def test_what_was_too_much_comes_back_and_every_answer_tells_what_is_left(
    sandbox: Sandbox,
) -> None:
    budget = BudgetSettings(maximum=500, capacity=500, refill=SLOW)
    with serving(sandbox, budget) as gateway:
        asked(gateway, client="other")
        answer = asked(gateway, "{ orders(first: 10) { nodes { number } } }")
        again = asked(gateway, "{ nothing }")
        free = asked(gateway, "{ __typename }")
    cost = cost_of(answer.json())
    left = 500 - cost["actualQueryCost"]
    assert cost["actualQueryCost"] <= cost["requestedQueryCost"]
    assert cost["throttleStatus"] == {
        "maximumAvailable": 500,
        "currentlyAvailable": left,
        "restoreRate": SLOW,
    }
    assert again.status_code == 400
    for told, spent in ((answer, 0), (again, 1), (free, 2)):
        assert told.headers["ratelimit-limit"] == "500"
        assert told.headers["ratelimit-remaining"] == str(left - spent)
        assert int(told.headers["ratelimit-reset"]) > 0
        assert told.headers["ratelimit-policy"].startswith('"cost";q=500;w=')
        assert told.headers["ratelimit"].startswith(f'"cost";r={left - spent};t=')


@pytest.mark.parametrize(("accept", "status"), [(RESPONSE, 429), (LEGACY, 200)])
def test_an_empty_bucket_is_told_with_when_to_come_again(
    sandbox: Sandbox, control: Control, accept: str, status: int
) -> None:
    budget = BudgetSettings(maximum=30, capacity=30, refill=0.1)
    with serving(sandbox, budget) as gateway:
        while (answer := asked(gateway, accept=accept)).json().get("data"):
            assert answer.status_code == 200
        control.clear()
        refused = asked(gateway, accept=accept)
        other = asked(gateway, client="other", accept=accept)
    assert refused.status_code == status
    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] == "THROTTLED"
    cost = cost_of(refused.json())
    assert cost["actualQueryCost"] is None
    missing = cost["requestedQueryCost"] - cost["throttleStatus"]["currentlyAvailable"]
    assert 0 < int(refused.headers["retry-after"]) <= missing * 10
    assert refused.headers["ratelimit-remaining"] == str(
        cost["throttleStatus"]["currentlyAvailable"]
    )
    assert other.json()["data"] == {"node": None}
    assert len(control.paths()) <= 1


FREE_OF_POINTS = {
    "a name of a type": "{ __typename }",
    "not valid": "{ nothing }",
    "not GraphQL": "{",
    "a bad id": '{ order(id: "801") { id } }',
}


@pytest.mark.parametrize("query", FREE_OF_POINTS.values(), ids=FREE_OF_POINTS)
def test_nothing_can_be_asked_for_ever(sandbox: Sandbox, query: str) -> None:
    with serving(sandbox, BudgetSettings(maximum=3, capacity=3, refill=SLOW)) as gateway:
        answers = [asked(gateway, query) for _ in range(5)]
    left = [answer.headers["ratelimit-remaining"] for answer in answers]
    assert left == ["2", "1", "0", "0", "0"]
    assert [answer.status_code == 429 for answer in answers] == [False] * 3 + [True] * 2
    assert answers[4].json()["errors"][0]["extensions"]["code"] == "THROTTLED"


def test_introspection_is_as_dear_as_it_is_long(sandbox: Sandbox) -> None:
    short = "{ __schema { types { name } } }"
    long = "{ __schema { types { name kind description fields { name type { name kind } } } } }"
    with serving(sandbox, BudgetSettings(refill=SLOW)) as gateway:
        left = [
            int(asked(gateway, query).headers["ratelimit-remaining"])
            for query in ("{ __typename }", short, long)
        ]
    assert left[0] == 4999
    assert left[0] - left[1] == parse(short).token_count
    assert left[1] - left[2] == parse(long).token_count


def test_what_is_no_operation_is_charged_too(sandbox: Sandbox) -> None:
    basic = b64encode(b"shop:secret").decode()
    headers = {"authorization": f"Basic {basic}"}
    query = {"query": "{ __typename }"}
    with (
        serving(sandbox, BudgetSettings(capacity=9, maximum=9, refill=SLOW)) as gateway,
        httpx.Client(base_url=gateway.origin, headers=headers) as client,
    ):
        answers = [
            client.post("/graphql", json=[query]),
            client.post("/graphql", json={**query, "documentId": "0" * 64}),
            client.post("/graphql", json=query, headers={"accept": "text/csv"}),
            client.get("/graphql", params={"query": "mutation { a }"}),
        ]
    assert [answer.status_code for answer in answers] == [400, 400, 406, 405]
    left = [answer.headers["ratelimit-remaining"] for answer in answers]
    assert left == ["8", "7", "6", "5"]


def test_a_client_may_have_its_own_budget(sandbox: Sandbox) -> None:
    more = ClientBudget(maximum=900, capacity=900)
    budget = BudgetSettings(maximum=5, capacity=5, clients={"shop": more})
    with serving(sandbox, budget) as gateway:
        rich, poor = asked(gateway), asked(gateway, client="other")
    assert rich.headers["ratelimit-limit"] == "900"
    assert poor.json()["errors"][0]["extensions"]["code"] == "COST_ESTIMATED_TOO_EXPENSIVE"
    assert poor.headers["ratelimit-remaining"] == "4"


def test_no_client_runs_more_operations_at_once_than_it_may(
    sandbox: Sandbox, control: Control
) -> None:
    with serving(sandbox, BudgetSettings(concurrency=1)) as gateway:
        asked(gateway)
        control.faults({"vendor": "salesforce", "kind": "latency", "latency_ms": 2000})
        slow: list[httpx.Response] = []
        running = threading.Thread(target=lambda: slow.append(asked(gateway)))
        running.start()
        with httpx.Client(base_url=gateway.origin, timeout=30) as client:
            refused = _until_busy(client)
        other = asked(gateway, "{ __typename }", client="other")
        running.join()
        control.clear()
        after = asked(gateway, "{ __typename }")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert [answer.status_code for answer in (other, after, *slow)] == [200, 200, 200]


def _until_busy(client: httpx.Client) -> httpx.Response:
    """The first refusal: the slow request is on its way when it comes."""
    basic = b64encode(b"shop:secret").decode()
    for _ in range(200):
        body = {"query": "{ __typename }"}
        answer = client.post("/graphql", json=body, headers={"authorization": f"Basic {basic}"})
        if answer.status_code != 200:
            break
    return answer


def test_costs_do_not_tell_a_partner_what_it_may_not_see(
    sandbox: Sandbox, control: Control, truth: Truth
) -> None:
    """Whose a payment is takes calls that one which does not exist does not take."""
    foreign = sandbox.world.payments_of("stripe_eu")[0].native_id
    costs, calls = [], []
    with serving(sandbox, BudgetSettings()) as gateway:
        asked(gateway, client="partner")
        for native in (foreign, "pi_none0000"):
            control.clear()
            query = f'{{ node(id: "stripe_eu:payment:{native}") {{ id }} }}'
            answer = asked(gateway, query, "partner").json()
            assert answer["data"] == {"node": None}
            cost = cost_of(answer)
            costs.append((cost["requestedQueryCost"], cost["actualQueryCost"]))
            calls.append(len(control.paths()))
    assert costs[0] == costs[1]
    assert calls[0] > calls[1]


def test_a_partners_document_may_be_less_long(sandbox: Sandbox) -> None:
    query = "{ nodes(ids: [" + '"x" ' * 2_000 + "]) { id } }"
    with serving(sandbox, BudgetSettings(mode="measure")) as gateway:
        codes = [
            asked(gateway, query, client).json()["errors"][0]["extensions"]["code"]
            for client in ("partner", "shop")
        ]
    assert codes == ["MAX_TOKENS_LIMIT", "BAD_FIRST"]


def test_what_is_denied_costs_no_more_than_any_request(sandbox: Sandbox) -> None:
    auth = AuthSettings(
        resource="https://graph.example",
        api_keys={"shop": ApiKeySettings(secret_hash=str(hash_secret("secret")), scopes=())},
    )
    with GatewayServer(sandbox, only=STRIPE_ONLY, indexed=False, auth=auth) as gateway:
        answer = asked(gateway, "{ orders(first: 100) { nodes { payments { nodes { id } } } } }")
    assert answer.json()["data"] is None
    assert answer.headers["ratelimit-remaining"] == "4999"


def test_two_gateways_share_one_budget_and_go_on_without_redis(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A machine that is busy with other tests is no outage.
    monkeypatch.setattr("auth.budget.shared.TIMEOUT", 20.0)
    budget = BudgetSettings(maximum=100, capacity=100, refill=SLOW, workers=2)
    with RedisServer(tmp_path) as redis:
        shared = RedisSettings(url=redis.url)
        with serving(sandbox, budget, shared) as one, serving(sandbox, budget, shared) as two:
            spent = 0
            for gateway in (one, two) * 20:
                body = asked(gateway).json()
                spent += cost_of(body)["actualQueryCost"] or 0
            last = [asked(gateway) for gateway in (one, two)]
            assert [answer.status_code for answer in last] == [429, 429]
            assert len({answer.headers["ratelimit-remaining"] for answer in last}) == 1
            redis.kill()
            alone = [asked(gateway) for gateway in (one, two)]
    assert 0 < spent <= 100
    assert [answer.status_code for answer in alone] == [200, 200]
    assert [answer.headers["ratelimit-limit"] for answer in alone] == ["50", "50"]
