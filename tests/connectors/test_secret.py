"""A credential is read on purpose or not at all."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import msgspec
import pytest

from connectors.secret import Secret

WORD = "sk_live_never_shown"


class Holder(msgspec.Struct):
    key: Secret


def test_a_secret_is_revealed_on_purpose() -> None:
    assert Secret(WORD).reveal() == WORD


@pytest.mark.parametrize(
    "shown", [str, repr, ascii, "{:>50}".format, "%s".__mod__, lambda s: repr([s]), Holder]
)
def test_a_secret_is_in_no_text(shown: Callable[[Secret], object]) -> None:
    text = str(shown(Secret(WORD)))
    assert "Secret(***)" in text
    assert WORD not in text


@pytest.mark.parametrize("out", [pickle.dumps, json.dumps, msgspec.json.encode, copy.deepcopy])
def test_a_secret_is_not_written_out(out: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as refusal:
        out(Secret(WORD))
    assert WORD not in str(refusal.value)


def test_secrets_are_not_compared_by_value_and_take_no_attributes() -> None:
    assert Secret(WORD) != Secret(WORD)
    assert Secret(WORD).__eq__(WORD) is NotImplemented
    with pytest.raises(AttributeError):
        Secret(WORD).note = "x"  # type: ignore[attr-defined]
