"""The simulated e-cology: what it refuses, and in which form."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from sandbox.books import CHINA
from sandbox.weaver.simulator import APPLY, COUNT, LIST, REGISTER, SYSTEM_ID
from tests.connectors.weaver_sandbox import WeaverSandbox, running
from tests.sandbox.conftest import HandClock


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="module")
def sandbox(clock: HandClock) -> Iterator[WeaverSandbox]:
    yield from running(clock)


@pytest.fixture(autouse=True)
def clean(sandbox: WeaverSandbox) -> Iterator[None]:
    yield
    sandbox.simulator.guarded = False


def header(sandbox: WeaverSandbox, written: str) -> dict[str, str]:
    text = f"{SYSTEM_ID}{sandbox.simulator.password}{written}"
    told = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return {"systemid": SYSTEM_ID, "currentDateTime": written, "Md5": told}


def ask(
    sandbox: WeaverSandbox,
    clock: HandClock,
    interface: str = "xsdd",
    fields: dict[str, str] | None = None,
    size: str = "10",
    action: str = LIST,
    **changes: Any,
) -> httpx.Response:
    content = {
        "operationinfo": {"operator": "1"},
        "mainTable": fields or {},
        "pageInfo": {"pageNo": "1", "pageSize": size},
        "header": header(sandbox, clock.now.astimezone(CHINA).strftime("%Y%m%d%H%M%S")),
    }
    body = {"datajson": msgspec.json.encode({**content, **changes}).decode()}
    return sandbox.ask(action + interface, data=body)


def test_a_result_is_a_text_and_all_values_are(sandbox: WeaverSandbox, clock: HandClock) -> None:
    answer = ask(sandbox, clock).json()
    rows = msgspec.json.decode(answer["result"])
    assert (answer["status"], len(rows)) == ("1", 10)
    values = [value for row in rows for value in row["mainTable"].values()]
    values += [value for row in rows for line in row["detail1"] for value in line.values()]
    assert {type(value) for value in values} == {str}


def test_a_condition_is_equality(sandbox: WeaverSandbox, clock: HandClock) -> None:
    number = sandbox.orders()[3].number
    rows = msgspec.json.decode(ask(sandbox, clock, fields={"ddbh": number}).json()["result"])
    assert [row["mainTable"]["ddbh"] for row in rows] == [number]
    assert ask(sandbox, clock, fields={"ddbh": "none"}).json() == {"status": "1", "result": ""}


def test_a_count_is_of_all_rows_and_a_page_of_no_more_than_the_interface_gives(
    sandbox: WeaverSandbox, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.simulator, "most", 3)
    assert len(msgspec.json.decode(ask(sandbox, clock).json()["result"])) == 3
    counted = ask(sandbox, clock, action=COUNT).json()
    assert counted == {"status": "1", "result": str(len(sandbox.orders()))}


def test_refusals_say_their_text_in_the_result(sandbox: WeaverSandbox, clock: HandClock) -> None:
    old = clock.now.astimezone(CHINA) - timedelta(minutes=11)
    stale = header(sandbox, old.strftime("%Y%m%d%H%M%S"))
    wrong = {**stale, "Md5": "x"}
    for answer, text in (
        (ask(sandbox, clock, header=stale), "Md5认证失败"),
        (ask(sandbox, clock, header=wrong), "Md5认证失败"),
        (ask(sandbox, clock, interface="none"), "接口不存在"),
        (ask(sandbox, clock, pageInfo={"pageNo": 1, "pageSize": 10}), "分页参数错误"),
        (ask(sandbox, clock, fields={"nothing": "1"}), "查询失败"),
        (sandbox.ask(LIST + "xsdd", json={}), "datajson不能为空"),
    ):
        assert (answer.status_code, answer.json()) == (200, {"status": "0", "result": text})


def test_the_filter_answers_with_a_page(sandbox: WeaverSandbox, clock: HandClock) -> None:
    answer = ask(sandbox, clock, fields={"ddbh": "select * from x"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert sandbox.ask("/api/nothing").headers["content-type"].startswith("text/html")


def test_a_token_takes_the_secret_under_the_servers_key(
    sandbox: WeaverSandbox, clock: HandClock
) -> None:
    app = {"appid": sandbox.simulator.app_id}
    told = sandbox.ask(REGISTER, headers={**app, "cpk": "1"}).json()
    key = load_der_public_key(b64decode(told["spk"]))
    assert isinstance(key, RSAPublicKey)

    def sealed(text: str) -> str:
        return b64encode(key.encrypt(text.encode(), PKCS1v15())).decode()

    refused = sandbox.ask(APPLY, headers={**app, "secret": sealed("wrong"), "time": "60"}).json()
    assert (refused["code"], refused["status"]) == (-1, False)
    proof = {**app, "secret": sealed(told["secrit"]), "time": "60"}
    token = sandbox.ask(APPLY, headers=proof).json()["token"]
    sandbox.simulator.guarded = True
    assert ask(sandbox, clock).json()["status"] is False
    carried = {**app, "token": token, "userid": sealed("298")}
    assert sandbox.ask(LIST + "xsdd", headers=carried).json()["result"] == "datajson不能为空"
    clock.forward(61)
    assert sandbox.ask(LIST + "xsdd", headers=carried).json()["status"] is False
