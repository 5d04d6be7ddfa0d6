"""Operations that were registered before: asked by id, and all that some clients may ask.

Nothing is registered at run time. The manifests are those of Relay and GraphQL Code Generator
(`{id: text}`) and of Apollo (`apollo-persisted-query-manifest`); a `.graphql` file is one document,
known by its SHA-256. An id that is a SHA-256 must be the text's own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from graphql import GraphQLError

from auth.principal import Principal
from gateway.documents_settings import DocumentsSettings
from gateway.strict import SettingsError
from schema.documents import Documents, Refused
from schema.errors import refusal
from schema.execution import Operation, Outcome

APOLLO = "apollo-persisted-query-manifest"
PREFIX = "sha256:"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Registered(msgspec.Struct, frozen=True):
    """One operation of a manifest."""

    id: str
    text: str
    file: str

    @property
    def label(self) -> str:
        return f"{self.file}: operation {self.id[:64]}"


class TrustedDocuments:
    """The registered operations of a gateway; None of them without `[documents]`."""

    def __init__(self, settings: DocumentsSettings | None, documents: Documents) -> None:
        self._settings = settings
        self._documents = documents
        found = [] if settings is None else list(registered(settings.files))
        self._texts = checked(found, documents)
        self._known = frozenset(self._texts.values())

    def again(self, settings: DocumentsSettings | None) -> TrustedDocuments:
        """Read anew; this one if nothing changed. Raises SettingsError."""
        read = TrustedDocuments(settings, self._documents)
        same = (read._settings, read._texts) == (self._settings, self._texts)
        return self if same else read

    def resolved(
        self, operation: Operation, principal: Principal | None, request_id: str
    ) -> Operation | Outcome:
        """With its text. One that is unknown is refused as one that is not allowed."""
        known = self.text_of(operation)
        if known is None or (self._is_held(principal) and known.query not in self._known):
            return self._not_found(request_id)
        return known

    def text_of(self, operation: Operation) -> Operation | None:
        """With its text, if it is known; whoever asks."""
        if operation.document_id is None:
            return operation
        text = self._texts.get(operation.document_id.removeprefix(PREFIX))
        return None if text is None else msgspec.structs.replace(operation, query=text)

    def _is_held(self, principal: Principal | None) -> bool:
        own = self._settings
        if own is None or not (own.partners or own.only):
            return False
        if principal is None:
            return True
        return principal.client_id in own.only or (own.partners and principal.partner is not None)

    def _not_found(self, request_id: str) -> Outcome:
        code = "PERSISTED_QUERY_NOT_FOUND"
        message = "No such operation is registered for this client."
        if self._settings is None:
            code, message = "PERSISTED_QUERY_NOT_SUPPORTED", "No operations are registered here."
        return Outcome({"errors": [refusal(GraphQLError(message), code, request_id)]}, False, 1)


def registered(files: tuple[str, ...]) -> Iterator[Registered]:
    """Raises SettingsError, naming the file, for what is no manifest."""
    for name in files:
        path = Path(name)
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        manifests = [p for p in inside if p.suffix in (".json", ".graphql", ".gql") and p.is_file()]
        if not manifests:
            raise SettingsError(f"documents.files: {name}: there are no operations")
        for manifest in manifests:
            yield from _read(manifest)


def checked(found: list[Registered], documents: Documents) -> dict[str, str]:
    """Texts by id. SettingsError for an operation that could not be answered."""
    texts: dict[str, str] = {}
    for one in found:
        try:
            documents.prepare(one.text)
        except Refused as error:
            raise SettingsError(f"{one.label}: {error.errors[0].message}") from None
        id_ = one.id.removeprefix(PREFIX)
        if _SHA256.fullmatch(id_) and id_ != digest(one.text):
            raise SettingsError(f"{one.label}: its id is not the SHA-256 of its text")
        if texts.setdefault(id_, one.text) != one.text:
            raise SettingsError(f"{one.label}: another operation has this id")
    return texts


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> Iterator[Registered]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {type(error).__name__}") from None
    if path.suffix != ".json":
        yield Registered(digest(text), text, str(path))
        return
    try:
        manifest = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise SettingsError(f"{path}: not JSON") from None
    for id_, body in _entries(manifest, path):
        if not isinstance(id_, str) or not id_ or not isinstance(body, str):
            raise SettingsError(f"{path}: an operation is an id and its text")
        yield Registered(id_, body, str(path))


def _entries(manifest: Any, path: Path) -> Iterator[tuple[Any, Any]]:
    if not isinstance(manifest, Mapping):
        raise SettingsError(f"{path}: no manifest of operations")
    if "format" not in manifest:
        yield from manifest.items()
        return
    operations = manifest.get("operations")
    known = manifest["format"] == APOLLO and manifest.get("version") == 1
    if not known or not isinstance(operations, list):
        raise SettingsError(f"{path}: expected the format {APOLLO}, version 1")
    for one in operations:
        yield (one.get("id"), one.get("body")) if isinstance(one, Mapping) else (None, None)
