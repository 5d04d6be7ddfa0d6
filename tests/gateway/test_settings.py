"""`tillgate.toml` is read strictly: what is wrong is named with its place, no secret ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.registry import Registry
from connectors.secret import Secret
from connectors.stripe.settings import StripeSettings
from gateway.settings import Settings, load, parse
from gateway.strict import Reader, SettingsError

WORD = "sk_live_never_shown"
ENVIRON = {"KEY": WORD, "EMPTY": "", "PEM": "-----BEGIN"}
STRIPE = '[sources.stripe_eu]\nvendor = "stripe"\nkey = { env = "KEY" }\n'
SALESFORCE = """
[sources.salesforce]
vendor = "salesforce"
auth = "jwt_bearer"
client_id = "client"
username = "ada"
private_key = { env = "PEM" }
"""


def read(text: str, folder: Path = Path()) -> Settings:
    return parse(text, Registry(()), Reader(ENVIRON, folder))


def refusal(text: str, folder: Path = Path()) -> str:
    with pytest.raises(SettingsError) as error:
        read(text, folder)
    assert WORD not in str(error.value) + repr(error.value)
    assert error.value.__cause__ is None
    return str(error.value)


def test_the_smallest_file_is_one_source() -> None:
    settings = read(STRIPE)
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8000)
    assert settings.server.profile == "production"
    assert not settings.server.shows_schema
    assert not settings.server.is_subgraph
    own = settings.sources["stripe_eu"]
    assert isinstance(own, StripeSettings)
    assert (own.key.reveal(), own.deadline) == (WORD, 5.0)


def test_a_whole_file_is_read() -> None:
    settings = read(
        '[server]\nport = 9000\nprofile = "development"\nintrospection = false\n'
        "[limits]\ndepth = 5\n"
        '[store]\nurl = "sqlite+aiosqlite:///x.db"\n'
        '[[links.pairs]]\norders = "salesforce"\npayments = ["stripe_eu"]\n' + STRIPE + SALESFORCE
    )
    assert (settings.server.port, settings.limits.depth, settings.limits.fields) == (9000, 5, 300)
    assert (settings.server.shows_schema, settings.server.is_subgraph) == (False, True)
    assert settings.links.pairs is not None
    assert [pair.payments for pair in settings.links.pairs] == [("stripe_eu",)]
    assert list(settings.sources) == ["stripe_eu", "salesforce"]


def test_a_secret_is_read_from_a_file_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{WORD}\n")
    own = read(STRIPE.replace('env = "KEY"', 'file = "key"'), tmp_path).sources["stripe_eu"]
    assert isinstance(own, StripeSettings)
    assert own.key.reveal() == WORD


def test_a_key_store_that_is_no_text_is_read_as_base64(tmp_path: Path) -> None:
    (tmp_path / "sign.pfx").write_bytes(b"\x30\x82\xff\xfe")
    own = read(STRIPE.replace('env = "KEY"', 'file = "sign.pfx"'), tmp_path).sources["stripe_eu"]
    assert isinstance(own, StripeSettings)
    assert own.key.reveal() == "MIL//g=="


def test_a_secret_is_in_no_text_of_the_settings() -> None:
    settings = read(STRIPE + SALESFORCE)
    assert WORD not in repr(settings)
    assert WORD not in str(settings)
    assert repr(settings).count(repr(Secret(WORD))) == 2


def test_a_source_may_be_called_at_another_rate() -> None:
    own = read(STRIPE + "rates = { search = 5.5 }").sources["stripe_eu"]
    assert own.rates == {"search": 5.5}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            STRIPE + "rates = { serch = 5 }",
            "sources.stripe_eu.rates.serch: unknown key, did you mean 'search'?",
        ),
        ("[servr]\n" + STRIPE, "servr: unknown key, did you mean 'server'?"),
        ("port = 1\n" + STRIPE, "port: unknown key"),
        ("[server]\nprot = 1\n" + STRIPE, "server.prot: unknown key, did you mean 'port'?"),
        ("[limits]\nDepth = 1\n" + STRIPE, "limits.Depth: unknown key, did you mean 'depth'?"),
        ("[store]\nurll = 'x'\n" + STRIPE, "store.urll: unknown key, did you mean 'url'?"),
        (
            '[[links.pairs]]\norder = "stripe_eu"\npayments = []\n' + STRIPE,
            "links.pairs[0].order: unknown key, did you mean 'orders'?",
        ),
        (STRIPE + "deadlin = 1", "sources.stripe_eu.deadlin: unknown key, did you mean 'deadline'"),
        (STRIPE + "zzzz = 1", "sources.stripe_eu.zzzz: unknown key; known: account, api_version"),
        (SALESFORCE + "order = []", "salesforce.order: unknown key, did you mean 'orders'?"),
        (
            SALESFORCE + '[[sources.salesforce.orders]]\nnumbr = "Name"',
            "sources.salesforce.orders[0].numbr: unknown key, did you mean 'number'?",
        ),
    ],
)
def test_an_unknown_key_names_its_place_and_the_nearest(text: str, told: str) -> None:
    assert told in refusal(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[server]\nport = "8000"\n' + STRIPE, "server.port: expected `int`, got `str`"),
        ("[server]\nhost = 1\n" + STRIPE, "server.host: expected `str`, got `int`"),
        ("[server]\nport = 70000\n" + STRIPE, "server.port: expected"),
        ("[server]\nport = -1\n" + STRIPE, "server.port: expected"),
        ('[server]\nprofile = "test"\n' + STRIPE, "server.profile: invalid enum value 'test'"),
        ("server = 1\n" + STRIPE, "server: expected `object`, got `int`"),
        ("limits = []\n" + STRIPE, "limits: expected `object`, got `array`"),
        ("sources = 1\n", "sources: expected `object`, got `int`"),
        ("links = { pairs = 1 }\n" + STRIPE, "links.pairs: expected"),
        (
            '[[links.pairs]]\norders = "stripe_eu"\n' + STRIPE,
            "links.pairs[0]: object missing required field `payments`",
        ),
        (STRIPE + 'deadline = "5"', "sources.stripe_eu.deadline: expected `float`, got `str`"),
        ("[sources.a]\nvendor = 'stripe'\n", "sources.a: object missing required field `key`"),
        (
            SALESFORCE.replace("jwt_bearer", "password"),
            "sources.salesforce.auth: invalid enum value 'password'",
        ),
        (SALESFORCE.replace("username", "#"), "sources.salesforce.username: needed for auth"),
        (
            SALESFORCE + '[[sources.salesforce.orders]]\nnumber = "a b"',
            "sources.salesforce.orders[0]: 'a b' is not the API name of a field",
        ),
    ],
)
def test_a_wrong_value_names_its_place(text: str, told: str) -> None:
    assert told in refusal(text)


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ('{ env = "NOWHERE" }', "the environment variable NOWHERE is not set"),
        ('{ env = "EMPTY" }', "the environment variable EMPTY is not set"),
        ('{ file = "missing" }', "the file missing cannot be read: FileNotFoundError"),
        ('{ file = "empty" }', "the file empty is empty"),
        ('{ file = "blank" }', "the file blank is empty"),
        ('{ file = "." }', "the file . cannot be read: IsADirectoryError"),
        (f'"{WORD}"', "a secret is not written here"),
        (f'{{ value = "{WORD}" }}', "a secret is not written here"),
        (f'{{ env = "KEY", file = "{WORD}" }}', "a secret is not written here"),
        ("{ env = 1 }", "a secret is not written here"),
        (f'["{WORD}"]', "a secret is not written here"),
        ("1", "a secret is not written here"),
    ],
)
def test_a_secret_that_cannot_be_read_names_its_place(
    secret: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "blank").write_text(" \n")
    text = STRIPE.replace('{ env = "KEY" }', secret)
    assert refusal(text, tmp_path).startswith(f"sources.stripe_eu.key: {told}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "sources: none is configured"),
        ("[sources]\n", "sources: none is configured"),
        ("[sources]\nstripe = 1\n", "sources.stripe.vendor: missing; known: "),
        ("[sources.a]\n", "sources.a.vendor: missing; known: "),
        ("[sources.a]\nvendor = 1\n", "sources.a.vendor: missing"),
        ('[sources.a]\nvendor = "stripee"', "named 'stripee', did you mean 'stripe'?"),
        ('[sources."a:b"]\nvendor = "stripe"', "sources.a:b: a source's name is letters"),
        ('[sources."a b"]\nvendor = "stripe"', "sources.a b: a source's name is letters"),
        ('[sources."ä"]\nvendor = "stripe"', "sources.ä: a source's name is letters"),
        ('[sources.""]\nvendor = "stripe"', "a source's name is letters"),
        (
            '[[links.pairs]]\norders = "crm"\npayments = []\n' + STRIPE,
            "links.pairs[0]: no source is named 'crm'",
        ),
        (
            '[[links.pairs]]\norders = "stripe_eu"\npayments = ["stripe_us"]\n' + STRIPE,
            "links.pairs[0]: no source is named 'stripe_us'",
        ),
        (f'key = "{WORD}', "not TOML: "),
        ("[server\n", "not TOML: "),
        ("[server]\n[server]\n" + STRIPE, "not TOML: "),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, told: str) -> None:
    assert told in refusal(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff")
    for name, told in (
        ("none.toml", "there is no such file"),
        (".", "cannot be read: IsADirectoryError"),
        ("binary.toml", "cannot be read: UnicodeDecodeError"),
    ):
        with pytest.raises(SettingsError, match=told):
            load(tmp_path / name, Registry(()), ENVIRON)


def test_a_file_is_read_with_secrets_beside_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(WORD)
    (tmp_path / "tillgate.toml").write_text(STRIPE.replace('env = "KEY"', 'file = "key"'))
    settings = load(tmp_path / "tillgate.toml", Registry(()), {})
    assert list(settings.sources) == ["stripe_eu"]
