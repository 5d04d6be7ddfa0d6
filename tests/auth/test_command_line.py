"""`tillgate clients` and `tillgate token` as processes, against a running gateway."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from joserfc.jwk import ECKey, KeySet

from gateway.auth_settings import AuthSettings, EmbeddedSettings
from gateway.cli import main
from gateway.demo import with_demo_clients
from tests.auth.gate import STRIPE, Gate, read
from tests.waiting import until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("command")


@pytest.fixture(scope="module")
def gate(folder: Path) -> Iterator[Gate]:
    def make(origin: str) -> AuthSettings:
        embedded = EmbeddedSettings(keys=str(folder / "keys.json"))
        return AuthSettings(resource=origin, embedded=embedded)

    with Gate(folder, make) as running:
        text = (
            f'[store]\nurl = "sqlite+aiosqlite:///{folder}/tillgate.db"\n'
            f'[auth]\nresource = "{running.origin}"\n[auth.embedded]\n'
            f'keys = "{folder}/keys.json"\n[auth.issuers.acme]\n'
            f'issuer = "https://as.acme.example"\n{STRIPE}'
        )
        (folder / "tillgate.toml").write_text(text)
        yield running


class Done(msgspec.Struct, frozen=True):
    returncode: int
    stdout: str
    stderr: str


def tillgate(*arguments: str, **environ: str) -> Done:
    """One command, in this process: starting another takes seconds."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        for name, value in {"KEY": "sk_test_1", **environ}.items():
            patch.setenv(name, value)
        code = main(arguments)
    return Done(code, out.getvalue(), err.getvalue())


def clients(folder: Path, *arguments: str) -> Done:
    action, *rest = arguments
    return tillgate("clients", action, "--config", str(folder / "tillgate.toml"), *rest)


def test_a_client_is_added_gets_a_token_and_is_revoked(gate: Gate, folder: Path) -> None:
    added = clients(
        folder, "add", "shop", "--scope", "orders:read payments:read", "--tenant", "acme"
    )
    assert (added.returncode, added.stderr) == (0, "The secret of shop, shown this once:\n")
    secret = added.stdout.strip()
    assert re.fullmatch(r"[\w-]{43}", secret)
    asked = ("token", "--client", "shop", "--scope", "orders:read", "--url", gate.origin)
    done = tillgate(*asked, TILLGATE_CLIENT_SECRET=secret)
    assert (done.returncode, done.stderr) == (0, "")
    token = done.stdout.strip()
    assert gate.principal(token).scopes == {"orders:read"}

    listed = clients(folder, "list")
    line = next(line for line in listed.stdout.splitlines() if line.startswith("shop\t"))
    assert line.split("\t")[1::2] == ["secret", "orders:read payments:read"]
    assert secret not in listed.stdout

    rotated = clients(folder, "rotate", "shop").stdout.strip()
    refused = tillgate(*asked, TILLGATE_CLIENT_SECRET=secret)
    assert refused.returncode == 2
    assert refused.stderr.endswith(": invalid_client: The client is not known.\n")
    assert tillgate(*asked, TILLGATE_CLIENT_SECRET=rotated).returncode == 0

    assert clients(folder, "revoke", "shop").returncode == 0
    assert tillgate(*asked, TILLGATE_CLIENT_SECRET=rotated).returncode == 2
    until(lambda: gate.ask(token).status_code == 401)
    assert "shop\trevoked\t" in clients(folder, "list").stdout
    again = clients(folder, "add", "shop", "--scope", "orders:read")
    assert (again.returncode, again.stdout) == (2, "")
    assert "an id is never given again" in again.stderr


def test_a_client_of_another_issuer_is_revoked_by_that_issuers_name(
    gate: Gate, folder: Path
) -> None:
    assert clients(folder, "revoke", "partner", "--issuer", "acme").returncode == 0
    wrong = clients(folder, "revoke", "partner", "--issuer", "acmee")
    assert wrong.returncode == 2
    assert "auth.issuers: there is none named 'acmee'" in wrong.stderr
    assert "there is no client 'partner'" in clients(folder, "revoke", "partner").stderr
    restored = clients(folder, "restore", "partner", "--issuer", "acme")
    assert (restored.returncode, restored.stdout) == (0, "partner of acme is let in again\n")
    assert clients(folder, "restore", "partner", "--issuer", "acmee").returncode == 2


def test_a_revocation_may_be_repeated(gate: Gate, folder: Path) -> None:
    assert clients(folder, "add", "twice", "--scope", "orders:read").returncode == 0
    for _ in range(2):
        assert clients(folder, "revoke", "twice").returncode == 0
    assert "twice\trevoked\t" in clients(folder, "list").stdout


def test_a_client_with_keys_of_its_own_has_no_secret(gate: Gate, folder: Path) -> None:
    key = ECKey.generate_key("P-256", {"kid": "a"})
    public, private = folder / "public.json", folder / "private.json"
    public.write_bytes(msgspec.json.encode(KeySet([key]).as_dict(private=False)))
    private.write_bytes(msgspec.json.encode(KeySet([key]).as_dict(private=True)))
    scope = ("--scope", "orders:read", "--keys")
    added = clients(folder, "add", "signs", *scope, str(public))
    assert (added.returncode, added.stdout) == (0, "")
    refused = clients(folder, "add", "leaks", *scope, str(private))
    assert refused.returncode == 2
    assert "it holds a private key" in refused.stderr
    assert clients(folder, "add", "lost", *scope, str(folder / "none.json")).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "a b", "--scope", "orders:read"), "letters, digits"),
        (("add", "new", "--scope", "order:read"), "did you mean 'orders:read'?"),
        (
            ("add", "new", "--scope", "orders:read", "--default", "payments:read"),
            "--default: it may not have payments:read",
        ),
        (("rotate", "nobody"), "there is no client 'nobody'"),
    ],
)
def test_wrong_use_is_exit_code_2(
    gate: Gate, folder: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = clients(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_signing_key_is_published_before_it_signs(gate: Gate, folder: Path) -> None:
    before = gate.client.get("/oauth/jwks.json").json()["keys"]
    done = clients(folder, "rekey")
    kid, _, rest = done.stdout.partition(" ")
    assert (done.returncode, rest) == (0, "is published, and signs in 2 hours\n")
    after = gate.client.get("/oauth/jwks.json").json()["keys"]
    assert {key["kid"] for key in after} == {key["kid"] for key in before} | {kid}


def test_an_api_key_is_printed_with_its_table(folder: Path) -> None:
    done = tillgate("clients", "key", "excel")
    assert done.returncode == 0
    assert '[auth.api_keys.excel]\nsecret_hash = "scrypt$14$8$1$' in done.stdout


def test_the_key_file_is_told_if_it_cannot_be_used(gate: Gate, folder: Path) -> None:
    text = (folder / "tillgate.toml").read_text()
    (folder / "open.json").write_text('{"keys": []}')
    (folder / "open.json").chmod(0o644)
    (folder / "other.toml").write_text(text.replace("keys.json", "open.json"))
    done = tillgate("run", "--config", str(folder / "other.toml"))
    assert done.returncode == 2
    assert done.stderr.startswith("tillgate: auth.embedded.keys: ")
    assert done.stderr.endswith("others may read it; chmod 600\n")


def test_a_demo_gives_a_token_to_each_of_its_readers(tmp_path: Path) -> None:
    def make(origin: str) -> AuthSettings:
        port = int(origin.rpartition(":")[2])
        own = msgspec.structs.replace(
            plain, server=msgspec.structs.replace(plain.server, port=port)
        )
        found = with_demo_clients(own, str(tmp_path)).auth
        assert found is not None
        return found

    plain = read("")
    with Gate(tmp_path, make) as gate:
        seen = {}
        for role in ("frontend", "bi", "partner"):
            done = tillgate("token", "--demo", role, "--url", gate.origin)
            assert (done.returncode, done.stderr) == (0, "")
            seen[role] = gate.principal(done.stdout.strip())
        assert "customers:pii" in seen["frontend"].scopes
        assert not any(scope.endswith(":pii") for scope in seen["bi"].scopes)
        assert seen["partner"].partner == "acme"
        assert not any(scope.endswith((":pii", ":money")) for scope in seen["partner"].scopes)
    nobody = tillgate("token", "--demo", "bi", "--url", gate.origin)
    assert nobody.returncode == 2
    assert "is the gateway running?" in nobody.stderr
