"""A level of reads leaves time to those below it, and a late request names who it waited for."""

from __future__ import annotations

import pytest

from connectors.errors import TimedOut
from resolvers.deadline import Deadline


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_only_level_may_take_all_that_is_left() -> None:
    clock = Clock()
    deadline = Deadline(15.0, clock)
    clock.now += 5.0
    assert (deadline.remaining(), deadline.level()) == (10.0, 10.0)


def test_however_many_levels_hang_the_next_one_has_time() -> None:
    clock = Clock()
    deadline = Deadline(16.0, clock)
    deadline.levels = 4
    taken = []
    for _ in range(4):
        taken.append(deadline.level())
        clock.now += deadline.level()
    assert taken == [8.0, 4.0, 2.0, 1.0]
    assert deadline.remaining() == 1.0


def test_when_the_time_is_over_the_source_that_took_it_is_named() -> None:
    clock = Clock()
    deadline = Deadline(1.0, clock)
    deadline.check("stripe")
    deadline.timed_out(TimedOut("yonyou", "no answer"))
    deadline.timed_out(TimedOut("alipay", "no answer"))
    clock.now += 2.0
    with pytest.raises(TimedOut) as late:
        deadline.check("stripe")
    assert late.value.source == "yonyou"


def test_the_grace_begins_at_the_deadline() -> None:
    clock = Clock()
    deadline = Deadline(1.0, clock)
    clock.now += 2.5
    assert not deadline.is_past(2.0)
    clock.now += 1.0
    assert deadline.is_past(2.0)
    assert deadline.remaining() == 0.0
