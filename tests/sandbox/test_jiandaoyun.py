"""The simulated Jiandaoyun is as strict as the real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.jiandaoyun import VENDOR as JIANDAOYUN
from sandbox.jiandaoyun.errors import JdyError
from sandbox.jiandaoyun.forms import CUSTOMERS, DOMESTIC, OVERSEAS
from sandbox.jiandaoyun.limits import Limits
from sandbox.server import Server
from tests.connectors.jiandaoyun_sandbox import PROVIDERS, Lab, lab_running


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    yield from lab_running(seed=3, customers=60, orders=240)


@pytest.fixture
def lab(running: Lab) -> Iterator[Lab]:
    yield running
    running.restore()


def ask(lab: Lab, path: str, form: str = DOMESTIC, **body: Any) -> Any:
    answer = lab.call(path, {"entry_id": lab.form(form).entry_id, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response) -> int:
    """The code of a refusal, which always has this form."""
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "msg"}
    return int(answer.json()["code"])


def refusal(lab: Lab, path: str, form: str = DOMESTIC, **body: Any) -> int:
    return refused(lab.call(path, {"entry_id": lab.form(form).entry_id, **body}))


def where(field: str, method: str, *value: Any) -> dict[str, Any]:
    return {"rel": "and", "cond": [{"field": field, "method": method, "value": list(value)}]}


def listed(lab: Lab, form: str = DOMESTIC, **body: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask(lab, "/entry/data/list", form, **body)["data"]
    return rows


def test_a_key_is_needed_and_must_be_granted(lab: Lab) -> None:
    assert refused(lab.call("/entry/list", {}, key="other")) == 8301
    lab.simulator.keys[lab.keys["key"]] = set()
    assert refused(lab.call("/entry/list", {})) == 8302


def test_calls_are_post_with_json(lab: Lab) -> None:
    url = f"{lab.keys['base_url']}/api/v5/app/entry/list"
    headers = {"authorization": f"Bearer {lab.keys['key']}"}
    assert httpx.get(url, headers=headers).status_code == 404
    assert refused(httpx.post(url, headers=headers, data={"app_id": "x"})) == 1
    assert refused(lab.call("/entry/list", [1])) == 1
    assert refused(lab.call("/entry/list", {"app_id": "sales"})) == 17017
    assert refused(lab.call("/entry/list", {"app_id": "f" * 24})) == 2004
    assert refused(lab.call("/entry/widget/list", {"entry_id": "f" * 24})) == 3000
    assert refused(lab.call("/entry/widget/list", {})) == 17017


def test_applications_forms_and_fields_are_listed(lab: Lab) -> None:
    assert len(lab.call("/list", {}).json()["apps"]) == 1
    forms = lab.call("/entry/list", {"limit": 2, "skip": 1}).json()["forms"]
    assert [form["name"] for form in forms] == [DOMESTIC, OVERSEAS]
    assert refused(lab.call("/entry/list", {"limit": 101})) == 17017
    widgets = {w["label"]: w for w in ask(lab, "/entry/widget/list")["widgets"]}
    assert widgets["订单号"]["name"] == "order_no"
    assert widgets["订单号"]["widgetName"].startswith("_widget_1")
    assert [item["name"] for item in widgets["明细"]["items"]] == [
        "sku",
        "name",
        "qty",
        "price",
        "amount",
    ]
    nameless = {w["label"]: w for w in ask(lab, "/entry/widget/list", OVERSEAS)["widgets"]}
    assert nameless["Total"]["name"] == nameless["Total"]["widgetName"]


def test_records_come_by_id_ascending_behind_a_cursor(lab: Lab) -> None:
    found: list[str] = []
    while rows := listed(lab, limit=100, data_id=found[-1] if found else ""):
        found += [row["_id"] for row in rows]
        if len(rows) < 100:
            break
    assert found == sorted(lab.form(DOMESTIC).records)
    assert len(found) > 100
    assert len(listed(lab)) == 10
    for limit in (0, 101, "10", True):
        assert refusal(lab, "/entry/data/list", limit=limit) == 17017
    assert refusal(lab, "/entry/data/list", data_id="nothing") == 17017


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"rel": "not", "cond": []}, 4815),
        ({"rel": "and"}, 4815),
        ({"rel": "and", "cond": [{"rel": "or", "cond": []}]}, 4815),
        (where("no_such", "eq", "x"), 3005),
        (where("order_no", "range", "a", "b"), 4815),
        (where("order_no", "in", *map(str, range(201))), 4815),
        (where("order_no", "in", 1), 4815),
        (where("lines", "empty"), 4815),
        (where("lines.sku", "in", "SKU-001"), 3005),
        (where("sales", "in", "王伟"), 4815),
        (where("customer", "eq", "x"), 4815),
        (where("ordered_at", "range", "yesterday", None), 4815),
        (where("ordered_at", "range", "2026-01-01"), 4815),
        (where("_id", "in", "f" * 24), 3005),
        ({"rel": "and", "cond": [{"field": "order_no", "method": "in", "value": "SO-1"}]}, 4815),
    ],
    ids=str,
)
def test_a_filter_that_is_not_documented_is_refused(lab: Lab, content: Any, code: int) -> None:
    assert refusal(lab, "/entry/data/list", filter=content) == code


def test_filters_by_every_documented_method(lab: Lab) -> None:
    def count(field: str, method: str, *value: Any, form: str = DOMESTIC) -> int:
        return len(listed(lab, form, filter=where(field, method, *value), limit=100))

    order = lab.orders_in(DOMESTIC, "单据编号")[0]
    at = order.placed_at.isoformat()
    assert count("order_no", "eq", order.number) == 1
    assert count(lab.field(DOMESTIC, "订单号").key, "in", order.number, "none") == 1
    assert count("createTime", "range", at, at) == 1
    assert count("createTime", "range", "2030-01-01", None) == 0
    assert count("flowState", "eq", 1) == 100
    number = lab.field(OVERSEAS, "Total").key
    held = next(r.values[number] for r in lab.form(OVERSEAS).records.values() if r.values[number])
    assert count(number, "eq", float(held), form=OVERSEAS) >= 1
    assert count(number, "range", None, -1, form=OVERSEAS) == 0
    phones = [c.phone for c in lab.customers if c.phone]
    assert count("mobile", "like", phones[0], form=CUSTOMERS) == 1
    assert count("mobile", "verified", form=CUSTOMERS) == len(phones)
    empty, full = (count("email", method, form=CUSTOMERS) for method in ("empty", "not_empty"))
    assert (full, empty) == (
        len([c for c in lab.customers if c.email]),
        len([c for c in lab.customers if not c.email]),
    )
    either = {
        "rel": "or",
        "cond": [
            {"field": "email", "method": "empty"},
            {"field": "email", "method": "not_empty"},
        ],
    }
    assert len(listed(lab, CUSTOMERS, filter=either, limit=100)) == full + empty


def test_what_is_not_set_is_absent_null_or_empty(lab: Lab) -> None:
    rows = listed(lab, limit=100)
    ways = Counter(repr(row.get("channel", "absent")) for row in rows if not row.get("channel"))
    assert set(ways) == {"'absent'", "None", "''"}


def test_amounts_are_text_with_separators_here_and_numbers_there(lab: Lab) -> None:
    assert [row for row in listed(lab, limit=100) if "," in (row.get("total") or "")]
    key = lab.field(OVERSEAS, "Total").key
    kinds = {type(row.get(key)) for row in listed(lab, OVERSEAS, limit=100)}
    assert {int, float} <= kinds


def test_fields_that_are_asked_for_come_alone(lab: Lab) -> None:
    row = listed(lab, limit=1, fields=["order_no", lab.field(DOMESTIC, "状态").key])[0]
    assert set(row) <= {"_id", "appId", "entryId", "order_no", "status"}
    assert {"creator", "createTime", "formName", "flowState"} <= set(listed(lab, limit=1)[0])


def test_values_are_written_wrapped_and_read_plain(lab: Lab) -> None:
    data = {
        "order_no": {"value": "SO-1"},
        "ordered_at": {"value": 1_654_876_800_000},
        lab.field(DOMESTIC, "状态").key: {"value": "草稿"},
        "lines": {"value": [{"sku": {"value": "A"}, "qty": {"value": 2}}]},
    }
    made = ask(lab, "/entry/data/create", data=data)["data"]
    assert (made["order_no"], made["status"]) == ("SO-1", "草稿")
    assert made["ordered_at"] == "2022-06-10T16:00:00.000Z"
    assert ask(lab, "/entry/data/get", data_id=made["_id"])["data"] == made
    for wrong, code in (
        ({"order_no": "SO-1"}, 17017),
        ({"order_no": {"value": 1}}, 17017),
        ({"no_such": {"value": 1}}, 3005),
        ({"doc_no": {"value": "1"}}, 17032),
        ({"customer": {"value": {"id": "x"}}}, 17032),
        ({"lines": {"value": [{"qty": 2}]}}, 17017),
        ({"lines": {"value": {"qty": {"value": 2}}}}, 17017),
    ):
        assert refusal(lab, "/entry/data/create", data=wrong) == code, wrong


def test_a_line_keeps_its_id_only_if_that_is_sent(lab: Lab) -> None:
    lines = [{"sku": {"value": name}} for name in "AB"]
    made = ask(lab, "/entry/data/create", data={"lines": {"value": lines}})["data"]
    first, second = made["lines"]
    sent = [{"_id": {"value": first["_id"]}, "sku": {"value": "A2"}}, {"sku": {"value": "B"}}]
    told = ask(lab, "/entry/data/update", data_id=made["_id"], data={"lines": {"value": sent}})[
        "data"
    ]
    assert told["lines"][0] == {"_id": first["_id"], "sku": "A2"}
    assert told["lines"][1]["_id"] != second["_id"]


def test_the_last_write_wins_and_moves_the_time_of_change(lab: Lab) -> None:
    row = listed(lab, limit=1)[0]
    before = datetime.now(UTC).replace(microsecond=0)
    for word in ("已付款", "已取消"):
        data = {"status": {"value": word}}
        told = ask(lab, "/entry/data/update", data_id=row["_id"], data=data)["data"]
        assert told["status"] == word
    assert datetime.fromisoformat(told["updateTime"]) >= before
    assert told["createTime"] == row["createTime"]
    found = listed(lab, filter=where("updateTime", "range", before.isoformat(), None))
    assert [one["_id"] for one in found] == [row["_id"]]


def test_batches_hold_a_hundred_records_at_most(lab: Lab) -> None:
    data = {"order_no": {"value": "SO-X"}}
    made = ask(lab, "/entry/data/batch_create", data_list=[data] * 100)
    assert (made["status"], made["success_count"]) == ("success", 100)
    assert refusal(lab, "/entry/data/batch_create", data_list=[data] * 101) == 17024
    ids = made["success_ids"]
    changed = ask(lab, "/entry/data/batch_update", data_ids=ids, data={"status": {"value": "草稿"}})
    assert changed == {"status": "success", "success_count": 100}
    lines: dict[str, Any] = {"lines": {"value": []}}
    assert refusal(lab, "/entry/data/batch_update", data_ids=ids, data=lines) == 17032
    assert refusal(lab, "/entry/data/batch_update", data_ids=[*ids, ids[0]], data=data) == 17023
    assert ask(lab, "/entry/data/delete", data_id=ids[0]) == {"status": "success"}
    assert ask(lab, "/entry/data/batch_delete", data_ids=ids)["success_count"] == 99
    assert refusal(lab, "/entry/data/get", data_id=ids[1]) == 4001


def test_an_endpoint_takes_thirty_calls_a_second_and_the_company_fifty() -> None:
    limits, now = Limits(), datetime(2026, 1, 1, tzinfo=UTC)

    def spent(endpoint: str, calls: int) -> int:
        """The code of the first refusal, 0 for none."""
        try:
            for _ in range(calls):
                limits.spend(endpoint, 30, now)
        except JdyError as error:
            return error.code
        return 0

    assert spent("list", 30) == 0
    assert spent("list", 1) == 8303
    assert spent("get", 20) == 0
    assert spent("get", 1) == 8303


def test_calls_are_limited_over_http() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with Server(size=10, vendors=(JIANDAOYUN, *PROVIDERS), clock=lambda: now) as server:
        given = server.credentials["jiandaoyun"]
        headers = {"authorization": f"Bearer {given['key']}"}
        with httpx.Client(base_url=given["base_url"], headers=headers) as client:
            body = {"app_id": given["app_id"]}
            answers = [client.post("/api/v5/app/entry/list", json=body) for _ in range(32)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [400] * 2
    assert [answer.json()["code"] for answer in answers[30:]] == [8303] * 2


def test_names_of_every_script_survive(lab: Lab) -> None:
    names = {row.get("name") for row in listed(lab, CUSTOMERS, limit=100)}
    assert {c.name for c in lab.customers} == names
