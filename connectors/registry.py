"""Finds vendors: the folders beside this file, and what other packages register.

A third party registers its `VENDOR` under the entry point group `tillgate.vendors`:

    [project.entry-points."tillgate.vendors"]
    acme = "acme_tillgate:VENDOR"
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

import connectors
from connectors.vendor import Vendor

GROUP = "tillgate.vendors"


class UnknownVendor(LookupError):
    """No folder and no entry point of that name; the message names the nearest."""


class Registry:
    """Names to vendors; a vendor's code is imported when it is first asked for."""

    def __init__(self, extra: tuple[EntryPoint, ...] | None = None) -> None:
        registered = extra if extra is not None else tuple(entry_points(group=GROUP))
        built_in = {m.name: f"connectors.{m.name}:VENDOR" for m in _folders()}
        self._places: dict[str, EntryPoint] = {
            name: EntryPoint(name, place, GROUP) for name, place in built_in.items()
        }
        for entry in registered:
            if entry.name in self._places:
                raise ValueError(f"two vendors are named {entry.name!r}: {entry.value}")
            self._places[entry.name] = entry

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._places))

    def __getitem__(self, name: str) -> Vendor:
        if name not in self._places:
            near = get_close_matches(name, self._places, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f"; known: {', '.join(self.names)}"
            raise UnknownVendor(f"no vendor is named {name!r}{hint}")
        vendor = self._places[name].load()
        if not isinstance(vendor, Vendor):
            raise TypeError(f"{self._places[name].value} is not a connectors.vendor.Vendor")
        return vendor

    def all(self) -> Mapping[str, Vendor]:
        return MappingProxyType({name: self[name] for name in self.names})


def _folders() -> list[pkgutil.ModuleInfo]:
    return [module for module in pkgutil.iter_modules(connectors.__path__) if module.ispkg]
