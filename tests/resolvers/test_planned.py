"""How keys of unknown sources are planned for, from what vendors state."""

from __future__ import annotations

import itertools

import pytest

from connectors.vendor import CallCost
from resolvers.joins import ALL
from resolvers.planned import spread

ONE, TEN, ALL_AT_ONCE = CallCost(batch=1, each=3), CallCost(batch=10, extra=2), CallCost()


@pytest.mark.parametrize(
    ("costs", "keys", "calls"),
    [
        ([], 5, 0),
        ([TEN], 0, 0),
        ([ALL_AT_ONCE], 1000, 1),
        ([ONE], 4, 12),
        ([ONE, TEN], 1, 3),
        ([ONE, TEN], 2, 6 + 3),
        ([TEN, TEN], 21, 3 + 3 + 2),
    ],
)
def test_the_first_batch_of_each_and_the_rest_in_the_dearest(
    costs: list[CallCost], keys: int, calls: int
) -> None:
    assert spread(costs, keys) == calls


def test_no_way_to_spread_keys_costs_more() -> None:
    for costs in itertools.product((ONE, TEN, ALL_AT_ONCE), repeat=2):
        for keys in range(40):
            ways = [costs[0].calls(here) + costs[1].calls(keys - here) for here in range(keys + 1)]
            assert max(ways) <= spread(costs, keys)


def test_more_keys_never_cost_less() -> None:
    planned = [spread([ONE, TEN, ALL_AT_ONCE], keys) for keys in range(200)]
    assert planned == sorted(planned)


def test_joins_are_made_of_joins_that_there_are_and_end() -> None:
    def deep(name: str, above: tuple[str, ...]) -> int:
        assert name not in above
        return 1 + max((deep(part, (*above, name)) for part, _ in ALL[name].parts), default=0)

    assert max(deep(name, ()) for name in ALL) == 3


def test_every_join_says_what_it_is_planned_by() -> None:
    assert [join.name for join in ALL.values() if not join.methods and not join.parts] == []
