"""`[auth]` is read strictly: what is wrong is named with its place."""

from __future__ import annotations

import pytest

from auth.hashed import hash_secret
from auth.signature import FAPI
from gateway.auth_compose import make_issuer
from gateway.auth_settings import AuthSettings, EmbeddedSettings
from gateway.server import Refusal, check_address, listen
from gateway.strict import SettingsError
from tests.auth.gate import read

AUTH = '[auth]\nresource = "https://graph.acme.example"\n'
ISSUER = '[auth.issuers.acme]\nissuer = "https://as.acme.example"\n'
ASKED = '[auth.issuers.acme.introspection]\nurl = "https://as.acme.example/i"\nclient_id = "g"\n'
HASH = str(hash_secret("x"))
KEY = f'[auth.api_keys.excel]\nsecret_hash = "{HASH}"\n'
WHOLE = f"""{AUTH}profile = "standard"
realm = "acme"
[auth.issuers.entra]
issuer = "https://login.microsoftonline.com/{{tid}}/v2.0"
preset = "entra"
audiences = ["6f1f7f4c-0000-0000-0000-000000000000"]
tenants = ["t-1", "t-2"]
scopes = {{ "Orders.Read" = ["orders:read", "orders:money"] }}
leeway = 30
[auth.issuers.keycloak]
issuer = "https://sso.acme.example/realms/acme"
preset = "keycloak"
algorithms = ["PS256"]
strict = true
tenant_from = ["organization"]
[auth.issuers.keycloak.introspection]
url = "https://sso.acme.example/realms/acme/introspect"
client_id = "tillgate"
client_secret = {{ env = "SECRET" }}
[auth.embedded]
lifetime = 300
{KEY}scopes = ["orders:read"]
ends = 2027-01-01T00:00:00Z
[auth.dpop]
nonce_secret = {{ env = "SECRET" }}
[auth.mtls]
proxies = ["10.1.2.0/24", "fd00::/8"]
"""


def auth(text: str) -> AuthSettings:
    found = read(text, {"SECRET": "never shown anywhere"}).auth
    assert found is not None
    return found


def test_without_it_nobody_is_asked() -> None:
    assert read("").auth is None


def test_a_whole_table_is_read() -> None:
    settings = auth(WHOLE)
    assert "never shown anywhere" not in repr(settings)
    entra = [
        make_issuer(settings, "entra", settings.issuers["entra"], tenant)
        for tenant in settings.issuers["entra"].tenants
    ]
    assert [one.url for one in entra] == [
        "https://login.microsoftonline.com/t-1/v2.0",
        "https://login.microsoftonline.com/t-2/v2.0",
    ]
    assert entra[1].claims == {"tid": "t-2"}
    assert (entra[0].leeway, entra[0].ahead) == (30, 30)
    keycloak = make_issuer(settings, "keycloak", settings.issuers["keycloak"], "")
    assert keycloak.preset.strict
    assert keycloak.preset.tenant_from == ("organization",)
    assert keycloak.preset.client_id_from == ("client_id", "azp")
    assert keycloak.audiences == ("https://graph.acme.example",)


def test_fapi_leaves_the_strong_algorithms_only() -> None:
    settings = auth(AUTH + 'profile = "fapi2"\n' + ISSUER)
    issuer = make_issuer(settings, "acme", settings.issuers["acme"], "")
    assert set(issuer.preset.algorithms) == FAPI
    assert issuer.ahead == 10


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[auth]\n" + ISSUER, "auth: object missing required field `resource`"),
        (AUTH, "auth.issuers: whose tokens?"),
        (AUTH.replace("https", "http") + ISSUER, "auth.resource: only https"),
        (AUTH.replace('example"', 'example/graphql"') + ISSUER, "auth.resource: an origin"),
        (AUTH.replace('example"', 'example/"') + ISSUER, "auth.resource: an origin"),
        (AUTH.replace('example"', 'example?a"') + ISSUER, "auth.resource: without user, query"),
        (AUTH.replace("https://", "https://u@") + ISSUER, "auth.resource: without user"),
        (AUTH + "relm = 1\n" + ISSUER, "auth.relm: unknown key, did you mean 'realm'?"),
        (AUTH + 'realm = "a\\"b"\n' + ISSUER, "auth.realm: plain letters"),
        (AUTH + ISSUER + "issuers = 1\n", "auth.issuers.acme.issuers: unknown key"),
        (AUTH + ISSUER + "leway = 1\n", "auth.issuers.acme.leway: unknown key, did you mean"),
        (AUTH + ISSUER + "leeway = 6000\n", "auth.issuers.acme.leeway"),
        (AUTH + ISSUER + 'preset = "cognito"\n', "auth.issuers.acme.preset: invalid enum"),
        (AUTH + ISSUER + 'algorithms = ["HS256"]\n', "algorithms: known: ES256"),
        (AUTH + ISSUER + 'algorithms = ["none"]\n', "algorithms: known: ES256"),
        (AUTH + ISSUER.replace("https", "http"), "issuer: only https"),
        (AUTH + ISSUER + 'tenants = ["t"]\n', "tenants: they are listed if"),
        (AUTH + ISSUER.replace('example"', 'example/{tid}"'), "tenants: they are listed if"),
        (AUTH + ISSUER + 'jwks_uri = "http://as.example/"\n', "jwks_uri: only https"),
        (AUTH + ISSUER + 'scopes = { a = ["order:read"] }\n', "did you mean 'orders:read'?"),
        (AUTH + ISSUER + 'required_scopes = ["x"]\n', "there is no scope 'x'"),
        (
            AUTH + ISSUER + ASKED + 'client_secret = "plain"\n',
            "auth.issuers.acme.introspection.client_secret: a secret is not written here",
        ),
        (
            AUTH + ISSUER + ASKED + 'client_secert = "x"\n',
            "auth.issuers.acme.introspection.client_secert: unknown key, did you mean",
        ),
        (
            AUTH + ISSUER + ISSUER.replace("acme]", "again]"),
            "auth.issuers: two have the same issuer",
        ),
        (
            AUTH + "[auth.embedded]\n" + ISSUER.replace("as.acme", "graph.acme"),
            "auth.issuers: two have the same issuer",
        ),
        (AUTH + ISSUER.replace(".acme]", '."a b"]'), "auth.issuers: 'a b' is no name"),
        (AUTH + "[auth.embedded]\nlifetime = 5\n", "auth.embedded.lifetime"),
        (AUTH + "[auth.embedded]\nkey = 1\n", "auth.embedded.key: unknown key, did you mean"),
        (AUTH + KEY, "auth.api_keys.excel: object missing required field `scopes`"),
        (AUTH + KEY + 'scopes = ["orders"]\n', "there is no scope 'orders', did you mean"),
        (
            AUTH + KEY + "scopes = []\nends = 2027-01-01T00:00:00\n",
            "ends: a time with a zone",
        ),
        (
            AUTH + KEY.replace(HASH, "plain secret") + "scopes = []\n",
            "secret_hash: not a hash that tillgate makes; see tillgate clients key",
        ),
        (
            AUTH + 'profile = "fapi2"\n' + KEY + "scopes = []\n",
            "auth.api_keys: the profile fapi2 allows none",
        ),
        (
            AUTH + 'profile = "fapi2"\n' + ISSUER + 'algorithms = ["RS256"]\n',
            "auth.issuers: acme: the profile fapi2 allows none of its algorithms",
        ),
        (AUTH + ISSUER + "[auth.mtls]\nproxies = []\n", "proxies: whose word counts?"),
        (AUTH + ISSUER + '[auth.mtls]\nproxies = ["proxy"]\n', "proxies: networks"),
        (AUTH + ISSUER + '[auth.mtls]\nproxies = ["10.0.0.1/8"]\n', "proxies: networks"),
        *(
            (AUTH + ISSUER + f"[auth.mtls]\nproxies = {everybody}\n", "proxies: not everybody")
            for everybody in (
                ["0.0.0.0/0"],
                ["0.0.0.0/1", "10.0.0.0/8", "128.0.0.0/1"],
                ["128.0.0.0/2"],
                ["10.0.0.0/8", "::/1", "8000::/1"],
                ["::ffff:0:0/96"],
            )
        ),
        *(
            (AUTH.replace("https://graph.acme.example", wrong) + ISSUER, "auth.resource: ")
            for wrong in (
                "https://graph.acme.example\\n",
                "https://graph.acme.example\\r\\nX-Evil: 1",
                'https://a\\"b',
                "https://a b",
                "https://a'b",
                "https://GRAPH.acme.example",
                "HTTPS://graph.acme.example",
                "https://graph.acme.example:",
                "https://graph.acme.example:443",
                "https://graph.acme.example:0443",
                "http://127.0.0.1:80",
                "https://graph.acme.example.",
                "https://bücher.example",
                "https://",
            )
        ),
        (AUTH + ISSUER.replace("example", "example\\n"), "issuer: not an address"),
        (AUTH + ISSUER + 'jwks_uri = "https://as.example/a b"\n', "jwks_uri: not an address"),
        (AUTH + ISSUER + 'separator = ""\n', "auth.issuers.acme.separator: not empty"),
        (
            AUTH + ISSUER.replace('example"', 'example/{tid}"') + 'tenants = ["a", "a"]\n',
            "tenants: letters, digits, - . _ ~, each once",
        ),
        (
            AUTH + ISSUER.replace('example"', 'example/{tid}"') + 'tenants = ["a/b"]\n',
            "tenants: letters, digits, - . _ ~, each once",
        ),
        (
            AUTH
            + ISSUER.replace('example"', 'example/{tid}"')
            + 'tenants = ["a"]\n'
            + ISSUER.replace("acme]", "again]").replace('example"', 'example/a"'),
            "auth.issuers: two have the same issuer",
        ),
        (
            AUTH + ISSUER + '[auth.dpop]\nnonce_secret = { env = "SHORT" }\n',
            "auth.dpop.nonce_secret: at least 16 bytes",
        ),
        (
            AUTH + "[auth.embedded]\ndemo_clients = true\n",
            "auth.embedded: demo_clients are for loopback only, and resource is not there",
        ),
        (
            AUTH.replace("https://graph.acme.example", "http://127.0.0.1:8000")
            + "[auth.embedded]\ndemo_clients = true\n"
            + '[server]\nhosts = ["graph.acme.example"]\n',
            "auth.embedded.demo_clients: for loopback only, and server.hosts names other hosts",
        ),
    ],
)
def test_what_is_wrong_names_its_place(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(text, {"SHORT": "15 bytes, or so"})
    assert told in str(error.value)
    assert "plain secret" not in str(error.value)


def test_who_is_asked_may_come_from_anywhere() -> None:
    settings = auth(AUTH + ISSUER)
    for host in ("0.0.0.0", "::", "192.168.1.1", "example.com"):  # noqa: S104
        check_address(host, settings)
        with pytest.raises(Refusal, match=r"Without \[auth\]"):
            check_address(host)


def test_demo_clients_are_for_loopback_only() -> None:
    settings = AuthSettings(
        resource="http://localhost:8000", embedded=EmbeddedSettings(demo_clients=True)
    )
    check_address("127.0.0.1", settings)
    with pytest.raises(Refusal, match="demo_clients lets in whoever knows the demo's secrets"):
        listen("0.0.0.0", 0, settings)  # noqa: S104
