"""Exact strings of every mask, and that none of them says more than it should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth import masks
from auth.access import Policy
from auth.principal import Principal
from auth.rules import Mask

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (Mask.LAST4, "4242", "****"),
        (Mask.LAST4, "A12 4242", "****4242"),
        (Mask.LAST4, "A124242", "****"),
        (Mask.LAST4, "159****5620", "****5620"),
        (Mask.LAST4, "someone@example.com", "****"),
        (Mask.LAST4, "", "****"),
        (Mask.EMAIL, "john@example.com", "j***@e***.com"),
        (Mask.EMAIL, "a@mail.example.co.uk", "a***@m***.uk"),
        (Mask.EMAIL, "王@例子.中国", "王***@例***.中国"),
        (Mask.EMAIL, "mei@shop.example", "m***@s***.example"),
        (Mask.EMAIL, "not an address", "***"),
        (Mask.EMAIL, "@example.com", "***"),
        (Mask.EMAIL, "a@localhost", "***"),
        (Mask.EMAIL, "mei@corp.13800138000", "***"),
        (Mask.EMAIL, "mei@localhost.verysecretname", "***"),
        (Mask.EMAIL, "mei@example.c", "***"),
        (Mask.PHONE, "+999", "****"),
        (Mask.PHONE, "+1 415 555 2671 x1234", "+1****2671"),
        (Mask.PHONE, "+86 10 8888 6666 转 1234", "+86****6666"),
        (Mask.PHONE, "13800138000,13900139999", "****8000"),
        (Mask.PHONE, "+8613812345678", "+86****5678"),
        (Mask.PHONE, "+86 138-1234-5678", "+86****5678"),
        (Mask.PHONE, "+14155550100", "+1****0100"),
        (Mask.PHONE, "+442070000029", "+44****0029"),
        (Mask.PHONE, "+85212345678", "+852****78"),
        (Mask.PHONE, "13812345678", "****5678"),
        (Mask.PHONE, "12345", "****"),
        (Mask.PHONE, "call me", "****"),
        (Mask.NAME, "王小明", "王**"),
        (Mask.NAME, "김민수", "김**"),
        (Mask.NAME, "Mei Chen", "M***"),
        (Mask.NAME, " Ünal", "Ü***"),
        (Mask.NAME, "", "***"),
        (Mask.NAME, "***", "***"),
    ],
)
def test_the_exact_string(mask: Mask, value: str, shown: str) -> None:
    assert masks.shown(mask, value, None) == shown


@given(st.sampled_from([m for m in Mask if m is not Mask.HASH]), st.text())
def test_a_mask_takes_any_text_and_shows_little_of_it(mask: Mask, value: str) -> None:
    shown = masks.shown(mask, value, None)
    assert shown is not None
    assert "**" in shown
    assert len(shown.replace("*", "")) <= max(9, len(value.rpartition(".")[2]) + 4)


def _who(tenant: str | None) -> Principal:
    return Principal(issuer="https://as", client_id="c", subject="s", tenant=tenant)


def test_a_pseudonym_joins_within_a_tenant_and_nowhere_else() -> None:
    policy = Policy(mask_key=KEY)
    one, again, other = (policy.access(_who(t)) for t in ("one", "one", "two"))
    value = "+8613812345678"
    assert one.masked(Mask.HASH, value) == again.masked(Mask.HASH, value)
    assert one.masked(Mask.HASH, value) != other.masked(Mask.HASH, value)
    assert one.masked(Mask.HASH, value) != one.masked(Mask.HASH, value + "0")


def test_without_a_key_there_is_no_pseudonym() -> None:
    assert Policy().access(_who(None)).masked(Mask.HASH, "value") is None


def test_the_key_is_in_no_repr() -> None:
    access = Policy(mask_key=b"very secret key of pseudonyms").access(_who(None))
    assert "very secret" not in repr(access)
