"""`tillgate check` asks issuers of tokens, and says what is wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from connectors.secret import Secret
from gateway.auth_settings import AuthSettings, IntrospectionSettings, IssuerSettings
from gateway.issuer_check import issuer_findings
from tests.auth.authority import AUDIENCE, SECRET, Authority


@pytest.fixture
def authority() -> Iterator[Authority]:
    with Authority() as running:
        yield running


def verdict(issuer: IssuerSettings) -> tuple[bool, str]:
    settings = AuthSettings(resource=AUDIENCE, issuers={"sso": issuer})
    (finding,) = asyncio.run(issuer_findings(settings))
    (line,) = finding.lines
    return finding.ok, line


def introspection(authority: Authority, secret: str = SECRET) -> IntrospectionSettings:
    return IntrospectionSettings(
        url=f"{authority.url}/introspect", client_id="gateway", client_secret=Secret(secret)
    )


def test_an_issuer_that_answers_is_good_and_its_keys_are_counted(authority: Authority) -> None:
    authority.rotate()
    ok, line = verdict(IssuerSettings(issuer=authority.url))
    assert ok
    assert line.startswith(f"ok    issuer sso ({authority.url}): ")
    assert line.endswith(" ms, 2 keys")


def test_its_introspection_is_asked_too(authority: Authority) -> None:
    issuer = IssuerSettings(issuer=authority.url, introspection=introspection(authority))
    ok, line = verdict(issuer)
    assert ok
    assert line.endswith("1 keys, opaque tokens can be asked for")
    assert authority.calls["introspect"] == 1


def test_a_wrong_secret_is_told_and_not_shown(authority: Authority) -> None:
    wrong = introspection(authority, "something-else-entirely")
    ok, line = verdict(IssuerSettings(issuer=authority.url, introspection=wrong))
    assert not ok
    assert "introspection: HTTP 401" in line
    assert "something-else-entirely" not in line


def test_an_issuer_that_is_down_or_another_is_told(authority: Authority) -> None:
    authority.said_issuer = "https://somebody.example"
    assert verdict(IssuerSettings(issuer=authority.url)) == (
        False,
        f"FAIL  issuer sso ({authority.url}): keys: its metadata is another issuer's",
    )
    authority.down = True
    ok, line = verdict(IssuerSettings(issuer=authority.url))
    assert not ok
    assert "keys: " in line
