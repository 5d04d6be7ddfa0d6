"""`tillgate index` as an operator uses it: a process, its exit code and what it prints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.registry import Registry
from gateway.demo import demo_toml
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from tests.gateway.test_cli import tillgate

HEAD = "source,kind,native_id,created_at,reference,amount,currency\n"
ROW = "alipay_cn,payment,20200101{:020},2020-01-01T08:00:00+08:00,SO-{},88.88,CNY\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(vendors=discover(("salesforce",)), size=20, rate_limits=False) as running:
        yield running


class Operator:
    """With a configuration of their own, and the secrets in the environment."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "tillgate.toml"
        text, secrets = demo_toml(sandbox, Registry(), str(folder), 0)
        self.config.write_text(text)
        self.environ = os.environ | secrets

    def index(self, *arguments: object) -> tuple[int, str, str]:
        done = tillgate("index", *arguments, "--config", self.config, environ=self.environ)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    def file(self, *rows: str) -> Path:
        path = self.folder / "old.csv"
        path.write_text(HEAD + "".join(rows), encoding="utf-8")
        return path


@pytest.fixture
def operator(sandbox: Sandbox, tmp_path: Path) -> Iterator[Operator]:
    yield Operator(sandbox, tmp_path)
    httpx.delete(f"{sandbox.origin}/_sandbox/faults").raise_for_status()


def break_vendor(sandbox: Sandbox, **fault: Any) -> None:
    body = {"faults": [fault]}
    httpx.put(f"{sandbox.origin}/_sandbox/faults", json=body).raise_for_status()


def test_a_sync_says_how_far_it_is_and_what_it_wrote(operator: Operator) -> None:
    code, out, err = operator.index("sync", "--since", "2026-06-01", "--source", "unionpay_cn")
    assert code == 0
    assert "0 periods failed" in out
    assert "unionpay_cn: 25 of" in err
    code, out, err = operator.index("show")
    assert (code, err) == (0, "")
    assert out.startswith("unionpay_cn\tpayment\t")


def test_a_second_sync_reads_nothing_again(operator: Operator, sandbox: Sandbox) -> None:
    arguments = ("sync", "--since", "2026-10-01", "--source", "unionpay_cn")
    """But the files of the last days, which may not have been there yet."""
    operator.index(*arguments)
    httpx.delete(f"{sandbox.origin}/_sandbox/calls").raise_for_status()
    assert operator.index(*arguments)[0] == 0
    assert httpx.get(f"{sandbox.origin}/_sandbox/calls").json()["count"] <= 4


def test_a_source_that_fails_is_told_and_the_others_are_written(
    operator: Operator, sandbox: Sandbox
) -> None:
    break_vendor(sandbox, vendor="wechatpay", kind="html")
    chosen = ("--source", "wechat_cn", "--source", "paypal")
    code, out, err = operator.index("sync", "--since", "2026-09-01", *chosen)
    assert code == 1
    assert " periods failed" in out
    assert "wechat_cn: trade 2026-" in err
    assert "Maintenance" not in out + err
    assert operator.index("show")[1].startswith("paypal\t")


def test_rows_that_cannot_be_read_are_told_and_their_periods_are_used(
    operator: Operator, sandbox: Sandbox
) -> None:
    chosen = ("--since", "2026-09-01", "--source", "unionpay_cn")
    break_vendor(sandbox, vendor="unionpay", kind="odd_row")
    code, out, err = operator.index("sync", *chosen)
    told = "incomplete, rows left out: 1: file 1, line 2, column 7: does not fit"
    days = err.count(f": {told}")
    assert code == 0
    assert days > 0
    assert f" periods are incomplete, rows left out: {days}\n" in out
    shown = operator.index("show")[1]
    assert shown.startswith("unionpay_cn\tpayment\t")
    assert shown.count(f"\t{told}") == days
    assert "ODDITY" not in out + err + shown
    httpx.delete(f"{sandbox.origin}/_sandbox/faults").raise_for_status()
    code, out, err = operator.index("sync", *chosen)
    assert (code, "incomplete" in out + err) == (0, False)
    assert "incomplete" not in operator.index("show")[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("sync", "--since", "last week"), "--since: expected a date such as 2026-01-01"),
        (("sync", "--since", "0001-01-01"), "--since: expected a date such as 2026-01-01"),
        (("sync", "--since", "2099-01-01"), "--since: expected a date such as 2026-01-01"),
        (("forget", "alipay_cn:p1"), "index forget: an id has the form source:kind:native"),
        (("sync", "--source", "nobody"), "--source: no source is named 'nobody'"),
        (("sync", "--source", "stripe_eu"), "--source: stripe_eu has no books to read"),
        (("import", "none.csv"), "none.csv: cannot be read: FileNotFoundError"),
        (("import",), "the following arguments are required: FILE"),
    ],
)
def test_wrong_use_is_exit_code_2(
    operator: Operator, arguments: tuple[str, ...], told: str
) -> None:
    code, out, err = operator.index(*arguments)
    assert (code, out) == (2, "")
    assert told in err


def test_an_empty_index_says_how_to_fill_it(operator: Operator) -> None:
    assert operator.index("show") == (
        0,
        "The index is empty: fill it with `tillgate index sync`.\n",
        "",
    )


def test_a_file_is_checked_then_written(operator: Operator) -> None:
    path = operator.file(*(ROW.format(n, n) for n in range(5000)))
    assert operator.index("import", path, "--dry-run") == (
        0,
        "5000 rows are good; nothing was written\n",
        "",
    )
    assert "empty" in operator.index("show")[1]
    assert operator.index("import", path) == (0, "5000 rows written\n", "")
    assert operator.index("import", path) == (0, "5000 rows written\n", "")
    assert operator.index("show")[1] == "alipay_cn\tpayment\t5000\n"
    mistake = f"alipay_cn:payment:20200101{7:020}"
    told = "1 of 1 entries were there and are gone\n"
    assert operator.index("forget", mistake) == (0, told, "")
    assert operator.index("show")[1] == "alipay_cn\tpayment\t4999\n"


def test_a_file_with_bad_rows_names_each_and_writes_nothing(operator: Operator) -> None:
    good = ROW.format(1, 1).replace("alipay_cn", "wechat_cn")
    path = operator.file(good, good.replace("CNY", "USD"), good.replace("+08:00", ""))
    code, out, err = operator.index("import", path)
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "old.csv:3: currency: WeChat Pay is paid in CNY only",
        "old.csv:4: created_at: a time without a zone; write 2026-01-01T08:00:00+08:00",
        "Nothing was written: 2 rows are refused.",
    ]
    assert "empty" in operator.index("show")[1]
