"""`[budget]` and `[redis]`, read strictly."""

from __future__ import annotations

import pytest

from auth.budget.bucket import Limit
from connectors.registry import Registry
from gateway.budget_settings import Allowance
from gateway.settings import Settings, parse
from gateway.strict import Reader, SettingsError

SOURCE = '[sources.stripe_eu]\nvendor = "stripe"\nkey = { env = "KEY" }\n'


def read(text: str) -> Settings:
    return parse(text + SOURCE, Registry(), Reader({"KEY": "sk", "REDIS": "correct horse"}))


def test_a_client_has_what_all_have_and_its_own_over_it() -> None:
    budget = read(
        "[budget]\nmaximum = 100\ncapacity = 200\nrefill = 2.5\n"
        '[budget.clients.shop]\nissuer = "https://as"\ncapacity = 900\nconcurrency = 3\n'
    ).budget
    usual = Allowance(100, Limit(200, 2.5), 20)
    assert budget.of() == budget.of("https://as", "other") == usual
    assert budget.of("https://as", "shop") == Allowance(100, Limit(900, 2.5), 3)
    # Another issuer's client of that name is another client.
    assert budget.of("https://evil", "shop") == usual


def test_redis_has_its_password_as_a_secret() -> None:
    redis = read('[redis]\nurl = "redis://r:6379/0"\npassword = { env = "REDIS" }\n').redis
    assert redis is not None
    assert redis.password is not None
    assert redis.password.reveal() == "correct horse"
    assert "correct horse" not in repr(redis)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[budget]\nmaxmum = 1\n", "budget.maxmum: unknown key, did you mean 'maximum'?"),
        ("[budget]\nmaximum = 9000\n", "budget.maximum: more than the capacity"),
        ("[budget]\nrefill = 0\n", "budget.refill: expected"),
        ('[budget]\nmode = "off"\n', "budget.mode: invalid enum value"),
        (
            "[budget.clients.shop]\ncapacity = 10\n",
            "budget.clients: shop: the maximum is more than the capacity",
        ),
        ("[budget.clients.shop]\nlimit = 10\n", "budget.clients.shop.limit: unknown key"),
        ('[redis]\nurl = "http://r"\n', "redis.url: expected redis://"),
        ('[redis]\nurl = "redis://:word@r"\n', "redis.url: the password belongs into"),
        ('[redis]\nurl = "unix:///r?password=word"\n', "redis.url: the password belongs into"),
        ('[redis]\nurl = "redis://r"\npassword = "word"\n', "redis.password: a secret is not"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(text)
    assert told in str(caught.value)
    assert "word@" not in str(caught.value)
