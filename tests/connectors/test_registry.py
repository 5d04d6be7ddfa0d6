"""Vendors are the folders beside the registry, and what other packages register."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import connectors
from connectors.registry import GROUP, Registry, UnknownVendor
from connectors.stripe import VENDOR as STRIPE

FOLDER = Path(connectors.__file__).parent
BUILT_IN = tuple(sorted(file.parent.name for file in FOLDER.glob("*/__init__.py")))
"""A folder is a vendor, without being named anywhere else."""


def entry(name: str, place: str) -> EntryPoint:
    return EntryPoint(name, place, GROUP)


def test_the_built_in_vendors_are_found() -> None:
    registry = Registry(())
    assert {"salesforce", "stripe"} <= set(BUILT_IN)
    assert registry.names == BUILT_IN
    assert registry["stripe"] is STRIPE
    assert {name: vendor.name for name, vendor in registry.all().items()} == {
        name: name for name in BUILT_IN
    }


def test_what_is_installed_is_asked_when_nothing_is_given() -> None:
    assert set(Registry().names) >= {"salesforce", "stripe"}


def test_a_registered_vendor_is_added() -> None:
    registry = Registry((entry("acme", "connectors.stripe:VENDOR"),))
    assert registry.names == tuple(sorted(("acme", *BUILT_IN)))
    assert registry["acme"] is STRIPE


def test_a_vendor_is_imported_only_when_it_is_asked_for() -> None:
    registry = Registry((entry("acme", "no_such_package_anywhere:VENDOR"),))
    assert "acme" in registry.names
    assert "no_such_package_anywhere" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        registry["acme"]


@pytest.mark.parametrize(
    "extra",
    [
        (entry("stripe", "acme:VENDOR"),),
        (entry("acme", "one:VENDOR"), entry("acme", "acme:VENDOR")),
    ],
)
def test_two_vendors_of_one_name_are_an_error(extra: tuple[EntryPoint, ...]) -> None:
    with pytest.raises(ValueError, match=f"two vendors are named '{extra[0].name}': acme:VENDOR"):
        Registry(extra)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("stripee", "did you mean 'stripe'?"),
        ("Salesforce", "did you mean 'salesforce'?"),
        ("zzz", f"known: {', '.join(BUILT_IN)}"),
    ],
)
def test_an_unknown_vendor_names_the_nearest(name: str, told: str) -> None:
    with pytest.raises(UnknownVendor, match=f"no vendor is named '{name}'") as refusal:
        Registry(())[name]
    assert str(refusal.value).endswith(told)


def test_what_is_not_a_vendor_is_a_type_error() -> None:
    registry = Registry((entry("acme", "connectors.records:Kind"),))
    with pytest.raises(TypeError, match=r"connectors\.records:Kind is not a"):
        registry["acme"]
