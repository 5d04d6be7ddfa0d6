"""From a document's text to something that may be executed: parsed, measured, validated, once.

Kept by the SHA-256 of the text, for each schema that it is read by, bounded by the total length of
the texts. Failures are not kept: they would let anyone fill the cache with garbage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    validate,
)

from schema.arguments import GivenArgument, given_arguments
from schema.build import TillgateSchema
from schema.kept import ROOM, Kept
from schema.limits import OperationLimits, check, root_names
from schema.reading import Reading, read

MOST = 4_000
"""Documents that are kept."""
MOST_ERRORS = 5
FEDERATION_ROOTS = frozenset({"_service", "_entities"})
Key = tuple[bytes, "frozenset[str] | None"]


class Refused(Exception):
    """The document is not executed. `errors` are GraphQL's own, safe to show; `code` if none."""

    def __init__(self, errors: list[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.errors = errors
        self.code = code


class Prepared(msgspec.Struct, frozen=True):
    """`arguments` and `readings` by operation; `hides_types`: `__type` finds no type, as
    introspection is off; `introspects`: it asks for the schema. `key` is the document's digest,
    `size` its characters."""

    document: DocumentNode
    arguments: Mapping[str | None, tuple[GivenArgument, ...]]
    hides_types: bool
    readings: Mapping[str | None, Reading]
    size: int
    introspects: bool = False
    key: bytes = b""


class Documents:
    """The documents of one schema. `introspection` and `federation` open those roots."""

    def __init__(
        self,
        schema: TillgateSchema,
        limits: OperationLimits,
        *,
        introspection: bool,
        federation: bool,
        most: int = MOST,
        room: int = ROOM,
    ) -> None:
        self._schema = schema.executable
        self._shapes = schema.shapes
        self._requirements = schema.requirements
        self._limits = limits
        self._federation = federation
        self._introspection = introspection
        self._kept: Kept[Key, Prepared] = Kept(most, room)

    def prepare(
        self, text: str, shape: frozenset[str] | None = None, partner: bool = False
    ) -> Prepared:
        """Raises Refused for a document that is malformed, too large (of a partner, sooner) or
        invalid: by the schema of who holds the atoms of `shape`, where one is given."""
        prepared = self._prepared(text, shape)
        if partner and (prepared.document.token_count or 0) > self._limits.partner_tokens:
            raise Refused([GraphQLError("The document has too many tokens.")], "MAX_TOKENS_LIMIT")
        return prepared

    def _prepared(self, text: str, shape: frozenset[str] | None) -> Prepared:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        key = (digest, None if shape is None else shape & self._requirements.atoms)
        if (kept := self._kept.get(key)) is not None:
            return kept
        try:
            schema = self.schema_of(shape)
            prepared = msgspec.structs.replace(self._examined(text, schema), key=digest)
        except RecursionError:
            deep = GraphQLError("The operation is nested too deeply.")
            raise Refused([deep], "MAX_DEPTH_LIMIT") from None
        self._kept.put(key, len(text), prepared)
        return prepared

    def schema_of(self, shape: frozenset[str] | None) -> GraphQLSchema:
        return self._schema if shape is None else self._shapes.of(shape)

    def _examined(self, text: str, schema: GraphQLSchema) -> Prepared:
        document = self.parsed(text)
        if errors := check(document, self._limits):
            raise Refused(errors, "MAX_LIMIT")
        roots = root_names(document)
        self._check_open(roots, schema)
        errors = validate(schema, document, max_errors=MOST_ERRORS, hide_suggestions=True)
        if errors:
            raise Refused(errors, "GRAPHQL_VALIDATION_FAILED")
        hides_types = "__type" in roots and not self._introspection
        readings = self._readings(document)
        given = {name: given_arguments(self._schema, one) for name, one in readings.items()}
        introspects = not roots.isdisjoint({"__schema", "__type", "_service"})
        return Prepared(document, given, hides_types, readings, len(text), introspects)

    def _readings(self, document: DocumentNode) -> dict[str | None, Reading]:
        return {
            definition.name.value if definition.name else None: read(
                self._requirements, document, definition
            )
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        }

    def _check_open(self, roots: set[str], schema: GraphQLSchema) -> None:
        """That something is switched off is told to those for whom it is there."""
        known = schema.query_type.fields if schema.query_type is not None else ()
        if not self._federation and roots & FEDERATION_ROOTS.intersection(known):
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
