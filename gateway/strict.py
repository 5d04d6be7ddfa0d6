"""Reads TOML tables into frozen structs; an unknown key is an error that names the nearest one."""

from __future__ import annotations

import os
import types
import typing
from base64 import b64encode
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from connectors.secret import Secret

T = TypeVar("T", bound=msgspec.Struct)


class SettingsError(ValueError):
    """What is wrong and where: `sources.stripe_eu.key: ...`. For the operator, without secrets."""


class Reader:
    """`environ` and `folder` are where secrets are read from; nothing else is."""

    def __init__(self, environ: Mapping[str, str] = os.environ, folder: Path = Path()) -> None:
        self._environ = environ
        self._folder = folder

    @property
    def folder(self) -> Path:
        """What paths in the settings are relative to."""
        return self._folder

    def read(self, table: object, type_: type[T], place: str) -> T:
        """Raises SettingsError naming the key in `place`."""
        if not isinstance(table, dict):
            raise SettingsError(f"{place}: expected a table")
        check_keys(table, type_, place)
        try:
            return msgspec.convert(table, type_, dec_hook=self._secret)
        except msgspec.ValidationError as error:
            # A table inside knows better where it is: the message has no names of tables.
            for where, inner, below in _inside(table, type_, place):
                self.read(below, inner, where)
            raise SettingsError(_located(str(error), place, type_)) from None

    def _secret(self, type_: type, value: object) -> Secret:
        if type_ is not Secret:
            raise NotImplementedError(type_)
        if isinstance(value, dict) and len(value) == 1:
            (kind, name), *_ = value.items()
            if kind == "env" and isinstance(name, str):
                return self._from_environment(name)
            if kind == "file" and isinstance(name, str):
                return self._from_file(name)
        raise ValueError('a secret is not written here: use { env = "NAME" } or { file = "path" }')

    def _from_environment(self, name: str) -> Secret:
        if not (value := self._environ.get(name, "").strip()):
            raise ValueError(f"the environment variable {name} is not set")
        return Secret(value)

    def _from_file(self, name: str) -> Secret:
        try:
            content = (self._folder / name).read_bytes()
        except OSError as error:
            raise ValueError(f"the file {name} cannot be read: {type(error).__name__}") from None
        try:
            value = content.decode().strip()
        except UnicodeDecodeError:
            # A key store (.pfx) is no text.
            value = b64encode(content).decode()
        if not value:
            raise ValueError(f"the file {name} is empty")
        return Secret(value)


def check_keys(table: Mapping[str, object], type_: type[msgspec.Struct], place: str) -> None:
    """Raises SettingsError for the first key that the struct, or one inside it, does not have."""
    fields = {field.encode_name for field in msgspec.structs.fields(type_)}
    for key in table:
        if key not in fields:
            raise SettingsError(unknown(f"{place}.{key}" if place else key, key, fields))
    for where, inner, below in _inside(table, type_, place):
        check_keys(below, inner, where)


def _inside(
    table: Mapping[str, object], type_: type[msgspec.Struct], place: str
) -> typing.Iterator[tuple[str, type[msgspec.Struct], dict[str, object]]]:
    """Places, types and tables that stand in the fields of a struct."""
    for field in msgspec.structs.fields(type_):
        inner = _struct_in(field.type)
        if inner is None or field.encode_name not in table:
            continue
        below = f"{place}.{field.encode_name}" if place else field.encode_name
        value = table[field.encode_name]
        for where, found in _tables(value, below, _is_named(field.type)):
            yield where, inner, found


def unknown(place: str, key: str, known: typing.Iterable[str]) -> str:
    return f"{place}: unknown key{_nearest(key, known)}"


def unknown_name(place: str, name: str, known: typing.Iterable[str]) -> str:
    """As `unknown`, for the name of a source that is not configured."""
    return f"{place}: no source is named {name[:64]!r}{_nearest(name, known)}"


def _nearest(name: str, known: typing.Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"


def _struct_in(type_: Any) -> type[msgspec.Struct] | None:
    """The struct of a field that is one, a list of them, one or nothing, or some by name."""
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return type_
    if typing.get_origin(type_) in (dict, tuple, list, types.UnionType, typing.Union):
        for part in typing.get_args(type_):
            if (found := _struct_in(part)) is not None:
                return found
    return None


def _is_named(type_: Any) -> bool:
    """Whether its tables stand one level deeper, each under a name: `[auth.issuers.NAME]`."""
    return typing.get_origin(type_) is dict


def _tables(value: object, place: str, named: bool) -> list[tuple[str, dict[str, object]]]:
    if isinstance(value, dict) and named:
        return [(f"{place}.{k}", v) for k, v in value.items() if isinstance(v, dict)]
    if isinstance(value, dict):
        return [(place, value)]
    if isinstance(value, list):
        return [(f"{place}[{i}]", v) for i, v in enumerate(value) if isinstance(v, dict)]
    return []


def _located(message: str, place: str, type_: type[msgspec.Struct]) -> str:
    """`Expected int, got str - at `$.port`` becomes `server.port: expected int, got str`; what a
    struct says of one of its own keys (`port: too high`) is told at that key."""
    what, _, path = message.partition(" - at `")
    where = (place + path.rstrip("`").removeprefix("$")).removeprefix(".")
    key, colon, reason = what.partition(": ")
    own = {field.encode_name for field in msgspec.structs.fields(type_)}
    if colon and not path and key.partition("[")[0] in own:
        where, what = f"{where}.{key}", reason
    return f"{where}: {what[:1].lower()}{what[1:]}"
