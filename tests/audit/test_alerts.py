"""What is told as unusual, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from auth.audit.alerts import (
    FEWEST_RECORDS,
    HOUR,
    IN_A_ROW,
    PRINCIPALS,
    REQUESTS,
    SAMPLES,
    Alerts,
    Distinct,
    KnownUses,
)
from auth.audit.entry import Event, Origin, Result, Seen, Who

NOON = 12 * HOUR


class Watch:
    """Alerts of what is asked, by rule, with a clock that the test sets."""

    def __init__(self, **changes: Any) -> None:
        self.now = NOON
        self.alerts = Alerts(lambda: self.now, **changes)

    def ask(
        self,
        outcome: Result = Result.ALLOWED,
        ids: tuple[str, ...] = (),
        client: str = "shop",
        partner: str | None = None,
        **facts: Any,
    ) -> list[str]:
        who = Who(iss="https://as", client_id=client, partner=partner)
        event = Event(action="query", origin=Origin.GRAPHQL, outcome=outcome, principal=who)
        event = msgspec.structs.replace(event, **facts)
        return [str(alert.about["rule"]) for alert in self.alerts.observe(event, ids)]

    def asks(self, outcomes: list[Result], **facts: Any) -> list[str]:
        return [rule for outcome in outcomes for rule in self.ask(outcome, **facts)]


FEW = [Result.DENIED] * (REQUESTS // 5) + [Result.ALLOWED] * (REQUESTS - REQUESTS // 5)
MANY = [Result.FILTERED] * (REQUESTS // 5 + 1) + FEW[REQUESTS // 5 + 1 :]


def test_many_denials_among_fifty_requests() -> None:
    assert Watch().asks(FEW) == []
    assert Watch().asks(MANY) == ["denied_ratio"]
    assert Watch().asks(MANY[:-1]) == []


def test_the_denials_of_one_are_not_those_of_another() -> None:
    watch = Watch()
    assert watch.asks(MANY[:40], client="a") == []
    assert watch.asks(MANY[40:], client="b") == []


def test_it_is_told_once_in_an_hour() -> None:
    watch = Watch()
    assert watch.asks([Result.DENIED] * 200) == ["denied_ratio"]
    watch.now += HOUR + 1
    assert watch.asks([Result.DENIED] * 3) == ["denied_ratio"]


def ids(first: int, count: int) -> tuple[str, ...]:
    return tuple(f"crm:order:A{number}X" for number in range(first, first + count))


def test_reading_very_many_different_records() -> None:
    watch = Watch()
    assert watch.ask(ids=ids(0, FEWEST_RECORDS - 500)) == []
    assert watch.ask(ids=ids(0, FEWEST_RECORDS - 500)) == []
    assert watch.ask(ids=ids(FEWEST_RECORDS, 1000)) == ["enumeration"]


def test_what_was_read_in_another_hour_does_not_count() -> None:
    watch = Watch()
    assert watch.ask(ids=ids(0, FEWEST_RECORDS - 500)) == []
    watch.now += HOUR
    assert watch.ask(ids=ids(FEWEST_RECORDS, 1000)) == []


def test_much_is_measured_by_what_others_read() -> None:
    watch = read_by_others(SAMPLES)
    assert watch.ask(ids=ids(0, 6000)) == []
    assert watch.ask(ids=ids(6000, 3000)) == ["enumeration"]


def test_before_enough_is_known_of_others_the_ceiling_is_fixed() -> None:
    assert read_by_others(SAMPLES - 1).ask(ids=ids(0, 6000)) == ["enumeration"]


def test_nobody_is_measured_by_what_it_read_itself() -> None:
    """Somebody who takes a little more every hour."""
    watch = Watch()
    for _ in range(SAMPLES + 10):
        assert watch.ask(ids=ids(0, 1500)) == []
        watch.now += HOUR
    assert watch.ask(ids=ids(0, 6000)) == ["enumeration"]


def test_an_hour_of_too_much_is_not_what_is_usual() -> None:
    watch = Watch()
    for number in range(SAMPLES):
        client = f"client {number}"
        assert watch.ask(ids=ids(0, 6000), client=client) == ["enumeration"]
    watch.now += HOUR
    for number in range(SAMPLES):
        watch.ask(client=f"client {number}")
    assert watch.ask(ids=ids(0, 6000)) == ["enumeration"]


def read_by_others(hours: int) -> Watch:
    """In each of which 1500 records were read by a client of its own."""
    watch = Watch()
    for number in range(hours):
        watch.ask(ids=ids(0, 1500), client=f"client {number}")
    watch.now += HOUR
    for number in range(hours):
        watch.ask(client=f"client {number}")
    return watch


@pytest.mark.parametrize("count", [0, 1, 100, 5000, 50_000])
def test_different_texts_are_counted_closely(count: int) -> None:
    distinct = Distinct()
    for _ in range(2):
        for number in range(count):
            distinct.add(f"text {number}")
    assert abs(distinct.count - count) <= 0.02 * count + 1


def test_counting_through_ids() -> None:
    watch = Watch()
    told = [watch.ask(ids=(f"crm:order:{1000 + number}",)) for number in range(IN_A_ROW)]
    assert told == [[]] * (IN_A_ROW - 1) + [["sequential_ids"]]
    down = Watch()
    assert [down.ask(ids=(f"crm:order:{99 - n}",)) for n in range(IN_A_ROW)][-1] != []


def test_ids_that_are_not_in_a_row() -> None:
    watch = Watch()
    assert [watch.ask(ids=(f"crm:order:{7 * n % 31}",)) for n in range(30)] == [[]] * 30
    assert [watch.ask(ids=(f"crm{n}:order:{n}",)) for n in range(30)] == [[]] * 30
    assert [watch.ask(ids=("crm:order:abc",)) for n in range(30)] == [[]] * 30
    pages = [watch.ask(ids=(f"crm:order:{n}", f"crm:order:{n + 1}")) for n in range(30)]
    assert pages == [[]] * 30


def test_the_first_time_that_a_client_reads_money() -> None:
    watch = Watch()
    assert watch.ask(classes=("business",)) == []
    assert watch.ask(classes=("business", "money")) == ["first_use"]
    assert watch.ask(classes=("business", "money")) == []
    assert watch.ask(classes=("money", "pii")) == ["first_use"]
    assert watch.ask(classes=("money",), client="other") == ["first_use"]


def test_what_a_client_is_known_to_read_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "known-uses"
    assert Watch(known=KnownUses(path)).ask(classes=("money",)) == ["first_use"]
    again = Watch(known=KnownUses(path))
    assert again.ask(classes=("money",)) == []
    assert again.ask(classes=("pii",)) == ["first_use"]
    assert path.stat().st_mode & 0o777 == 0o600
    strange = Watch(known=KnownUses(path))
    assert strange.ask(classes=("money",), client="a\nmoney 'b'") == ["first_use"]
    assert Watch(known=KnownUses(path)).ask(classes=("money",), client="b") == ["first_use"]


def test_a_partner_asks_for_the_schema() -> None:
    watch = Watch()
    assert watch.ask(action="introspection") == []
    assert watch.ask(action="introspection", partner="p") == ["partner_introspection"]


@pytest.mark.parametrize(
    ("hours", "hour", "is_told"),
    [((8, 18), 12, False), ((8, 18), 3, True), ((8, 18), 18, True), ((20, 4), 23, False),
     ((20, 4), 3, False), ((20, 4), 12, True), (None, 3, False)],
)  # fmt: skip
def test_refunds_and_personal_data_at_night(
    hours: tuple[int, int] | None, hour: int, is_told: bool
) -> None:
    told = ["unusual_hour"] if is_told else []
    watch = Watch(usual_hours=hours)
    watch.now = hour * HOUR
    assert watch.ask(records={"Order": Seen(1)}) == []
    assert watch.ask(records={"Refund": Seen(1)}) == told
    personal = Watch(usual_hours=hours)
    personal.now = hour * HOUR
    assert personal.ask(classes=("pii",)) == ["first_use", *told]


def test_an_alert_says_who_and_what() -> None:
    who = Who(client_id="shop", partner="p")
    event = Event(
        action="introspection", origin=Origin.GRAPHQL, principal=who, ip="192.0.2.1",
        request_id="r",
    )  # fmt: skip
    (alert,) = Alerts(lambda: NOON).observe(event)
    assert (alert.action, alert.principal, alert.ip) == ("alert", who, "192.0.2.1")
    assert alert.request_id == "r"
    assert alert.about == {"rule": "partner_introspection"}


def test_nobody_has_no_habits() -> None:
    event = Event(action="authenticate", origin=Origin.HTTP, outcome=Result.DENIED)
    assert Alerts(lambda: NOON).observe(event) == []


def test_of_many_principals_the_last_are_held() -> None:
    watch = Watch()
    for number in range(PRINCIPALS + 10):
        watch.ask(client=f"client {number}")
    assert len(watch.alerts._habits) == PRINCIPALS
