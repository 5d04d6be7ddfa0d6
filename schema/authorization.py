"""Decides what of an operation a principal is answered, once per document and set of scopes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import OperationDefinitionNode

from auth.access import Access, Told
from schema.documents import Prepared
from schema.kept import Kept
from schema.permitted import Denial, Permitted, permitted
from schema.reading import read_by_arguments, refused_arguments
from schema.requirements import Requirements

MESSAGE = "Unauthorized field or type"
CODE = "UNAUTHORIZED_FIELD_OR_TYPE"
MOST = 1_000
"""Decisions that are kept: one document may have many, each a document of its own."""

Key = tuple[bytes, str | None, frozenset[str], tuple[bool, ...], frozenset[int], frozenset[str]]


class Authorizer:
    """The decisions for one schema. Only what is relevant to it makes two principals different."""

    def __init__(self, requirements: Requirements) -> None:
        self._requirements = requirements
        self._kept: Kept[Key, Permitted] = Kept(MOST)

    def decide(
        self,
        prepared: Prepared,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        access: Access,
    ) -> Permitted:
        """`variables` are those of `schema.variables`."""
        name = operation.name.value if operation.name is not None else None
        reading = prepared.readings[name]
        values = reading.values(variables)
        granted = access.granted & self._requirements.atoms
        asked_by = read_by_arguments(reading, self._requirements, values)
        refused = refused_arguments(asked_by, self._requirements, granted)
        by = frozenset(
            place
            for index, places in enumerate(asked_by)
            if index not in refused
            for place in places
        )
        skips = tuple(bool(values.get(condition)) for condition in reading.conditions)
        key = (prepared.key, name, granted, skips, refused, by)
        if (kept := self._kept.get(key)) is not None:
            return kept
        found = permitted(prepared.document, reading, self._requirements, granted, values, refused)
        reads = found.reads | by
        classes = frozenset(self._requirements.place(place).rule.class_ for place in reads)
        found = msgspec.structs.replace(found, reads=reads, classes=classes)
        self._kept.put(key, prepared.size, found)
        return found


def told(denial: Denial, request_id: str) -> dict[str, Any]:
    """One entry of `errors`. Which scope is missing is for the audit log, not for the client."""
    extensions: dict[str, Any] = {"code": CODE, "correlationId": request_id}
    if denial.argument is not None:
        extensions["argument"] = denial.argument
    return {"message": MESSAGE, "path": list(denial.path), "extensions": extensions}


def tell(body: dict[str, Any], decided: Permitted, access: Access, request_id: str) -> None:
    """Adds to an answer what it lacks and what is masked in it."""
    entries = [told(denial, request_id) for denial in decided.denied]
    if entries and access.policy.told is Told.ERRORS:
        body["errors"] = [*body.get("errors", ()), *entries]
    extensions: dict[str, Any] = {}
    if entries and access.policy.told is Told.EXTENSIONS:
        extensions["authorizationErrors"] = entries
    if decided.masked:
        extensions["masked"] = [list(path) for path in decided.masked]
    if extensions:
        body["extensions"] = {**body.get("extensions", {}), **extensions}
