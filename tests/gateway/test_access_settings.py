"""`[auth.policy]` and `[auth.rows]`, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth.access import Mode, Told
from connectors.registry import Registry
from gateway.settings import Settings, parse
from gateway.strict import Reader, SettingsError

SOURCES = """
[sources.stripe_eu]
vendor = "stripe"
key = { env = "KEY" }
[sources.crm]
vendor = "salesforce"
base_url = "https://acme.my.salesforce.com"
auth = "client_credentials"
client_id = "id"
client_secret = { env = "KEY" }
"""
AUTH = '[auth]\nresource = "https://graph.example"\n[auth.embedded]\n'
ENVIRON = {"KEY": "rk_test_1", "MASK": "m" * 32, "SHORT": "m" * 31}
TENANT = '[auth.rows.tenants.one]\nsources = ["crm"]\n'


def settings(text: str) -> Settings:
    return parse(
        SOURCES + (AUTH + text if "[auth" in text else text), Registry(), Reader(ENVIRON, Path())
    )


def refusal(text: str) -> str:
    with pytest.raises(SettingsError) as error:
        settings(text)
    return str(error.value)


def test_rows_and_policy_are_read() -> None:
    auth = settings(
        '[auth.policy]\nmode = "reject"\nerrors = "disabled"\nmask_key = { env = "MASK" }\n'
        + TENANT
        + '[auth.rows.partners.shop]\ncustomers = ["crm:customer:001000000000001"]\n'
        '[auth.rows]\nwithout_partner = "all"\n'
    ).auth
    assert auth is not None
    policy = auth.policy.policy(auth.rows)
    assert (policy.mode, policy.told) == (Mode.REJECT, Told.DISABLED)
    assert policy.partner_mode is Mode.HIDE
    assert policy.mask_key == b"m" * 32
    assert auth.rows.tenants["one"].sources == ("crm",)
    assert auth.rows.without_tenant == "deny"
    # In its one spelling, as the records have it.
    assert auth.rows.partners["shop"].customers == ("crm:customer:001000000000001AAA",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[auth.rows.tenants.one]\nsources = ["crn"]', "auth.rows.tenants.one.sources: no source"),
        ('[auth.rows.tenants.one]\nsource = ["crm"]', "did you mean 'sources'"),
        ("[auth.rows.tenants.one]\n", "sources"),
        ('[auth.rows]\nwithout_tenant = "some"', "auth.rows.without_tenant"),
        ('[auth.rows.partners.x]\ncustomers = ["crm:order:1"]', "no id of the form"),
        ('[auth.rows.partners.x]\ncustomers = ["crm:customer:"]', "no id of the form"),
        ('[auth.rows.partners.x]\ncustomers = ["cr:customer:1"]', "did you mean 'crm'"),
        ('[auth.rows.partners.x]\ncustomers = ["crm:customer:1"]', "no id of a customer there"),
        ('[auth.policy]\nmode = "allow"', "auth.policy.mode"),
        ('[auth.policy]\nmask_key = { env = "SHORT" }', "shorter than 32"),
        ('[auth.policy]\nmode = "dry_run"', "auth.policy.mode: a dry run hides nothing"),
        ('[auth.policy]\npartner_mode = "dry_run"', "auth.policy.partner_mode: a dry run hides"),
    ],
)
def test_what_is_wrong_is_told_where_it_is(text: str, message: str) -> None:
    told = refusal(text)
    assert message in told
    assert "m" * 31 not in told


def test_a_dry_run_is_for_development_or_forced() -> None:
    dry = '[auth.policy]\nmode = "dry_run"\n'
    assert settings(dry + '[server]\nprofile = "development"').auth is not None
    assert settings(dry + "forced = true").auth is not None
