"""From a document's text to something that may be executed: parsed, measured, validated, once.

Kept by the SHA-256 of the text, bounded by the total length of the texts. Failures are not kept:
they would let anyone fill the cache with garbage.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping

import msgspec
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    validate,
)

from schema.arguments import GivenArgument, given_arguments
from schema.build import TillgateSchema
from schema.limits import OperationLimits, check, root_names
from schema.reading import Reading, read

MOST_ERRORS = 5
FEDERATION_ROOTS = frozenset({"_service", "_entities"})


class Refused(Exception):
    """The document is not executed. `errors` are GraphQL's own, safe to show; `code` if none."""

    def __init__(self, errors: list[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.errors = errors
        self.code = code


class Prepared(msgspec.Struct, frozen=True):
    """`arguments` and `readings` by operation; `hides_types`: `__type` finds no type, as
    introspection is off. `key` is the document's digest, `size` its characters."""

    document: DocumentNode
    arguments: Mapping[str | None, tuple[GivenArgument, ...]]
    hides_types: bool
    readings: Mapping[str | None, Reading]
    size: int
    key: bytes = b""


class Documents:
    """The documents of one schema. `introspection` and `federation` open those roots."""

    ROOM = 4_000_000
    MOST = 4_000
    """Documents that are kept: what is made of a short one is much longer than its text."""

    def __init__(
        self,
        schema: TillgateSchema,
        limits: OperationLimits,
        *,
        introspection: bool,
        federation: bool,
    ) -> None:
        self._schema = schema.executable
        self._requirements = schema.requirements
        self._limits = limits
        self._federation = federation
        self._introspection = introspection
        self._kept: OrderedDict[bytes, tuple[int, Prepared]] = OrderedDict()
        self._held = 0

    def prepare(self, text: str) -> Prepared:
        """Raises Refused for a document that is malformed, too large or invalid."""
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept[1]
        try:
            prepared = msgspec.structs.replace(self._examined(text), key=key)
        except RecursionError:
            deep = GraphQLError("The operation is nested too deeply.")
            raise Refused([deep], "MAX_DEPTH_LIMIT") from None
        self._keep(key, len(text), prepared)
        return prepared

    def _examined(self, text: str) -> Prepared:
        document = self.parsed(text)
        if errors := check(document, self._limits):
            raise Refused(errors, "MAX_LIMIT")
        roots = root_names(document)
        self._check_open(roots)
        errors = validate(self._schema, document, max_errors=MOST_ERRORS, hide_suggestions=True)
        if errors:
            raise Refused(errors, "GRAPHQL_VALIDATION_FAILED")
        hides_types = "__type" in roots and not self._introspection
        readings = self._readings(document)
        given = {name: given_arguments(self._schema, one) for name, one in readings.items()}
        return Prepared(document, given, hides_types, readings, len(text))

    def _readings(self, document: DocumentNode) -> dict[str | None, Reading]:
        return {
            definition.name.value if definition.name else None: read(
                self._requirements, document, definition
            )
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        }

    def _check_open(self, roots: set[str]) -> None:
        if not self._federation and roots & FEDERATION_ROOTS:
            raise Refused([GraphQLError("Federation is switched off.")], "FEDERATION_DISABLED")
        if not self._introspection and "__schema" in roots:
            raise Refused(
                [GraphQLError("Introspection is switched off.")], "INTROSPECTION_DISABLED"
            )

    def parsed(self, text: str) -> DocumentNode:
        """Not validated. Raises Refused for what is too large or malformed."""
        if len(text) > self._limits.characters:
            raise Refused([GraphQLError("The document is too long.")], "MAX_CHARACTERS_LIMIT")
        try:
            return parse(
                text, max_lexical_tokens=self._limits.tokens, max_comments=self._limits.comments
            )
        except GraphQLSyntaxError as error:
            raise Refused([error], "GRAPHQL_PARSE_FAILED") from None

    def _keep(self, key: bytes, size: int, prepared: Prepared) -> None:
        self._kept[key] = (size, prepared)
        self._held += size
        while self._held > self.ROOM or len(self._kept) > self.MOST:
            _, (dropped, _) = self._kept.popitem(last=False)
            self._held -= dropped
