"""Writes the table of rules on the schema, as directives that federation routers know and as what
the executor decides by.

A router that only sees this subgraph's SDL enforces the same: `@authenticated`, `@requiresScopes`
and `@policy` are Apollo Federation's; `@public` and `@masked` are ours, for readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import Any

import strawberry
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_introspection_type,
)
from strawberry.federation.schema_directives import Authenticated, Policy, RequiresScopes
from strawberry.schema_directive import Location, schema_directive

from auth.requirement import AUTHENTICATED, POLICY, PUBLIC, SCOPE, Requirement
from auth.rules import Rule, TypeRule

RULE = "tillgate-rule"
"""Where a type's TypeRule and a field's Rule are kept on the built schema: a decision is made by
the definition itself, whatever it is called in a document."""


@schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    name="public",
    description="Seen without any token.",
)
class Public:
    pass


@schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="masked",
    description="Masked for whoever does not hold the scopes of one of the inner lists.",
)
class Masked:
    unless: list[list[str]] = strawberry.field(
        name="unless", description="Scopes with which the value is shown whole."
    )
    # A text and no enum: composers would carry the enum into supergraphs, where nothing is of it.
    as_: str = strawberry.field(
        name="as", description="What is shown instead: `LAST4`, `EMAIL`, `PHONE`, `NAME` or `HASH`."
    )


def declare(types: Iterable[GraphQLNamedType | None], rules: Mapping[str, TypeRule]) -> None:
    """Puts the rules on these types, and on all that can be reached from them. The machinery of
    federation itself (`_service`) has rules, but no directives: composers refuse them."""
    for type_ in reachable(types):
        rule = rules.get(type_.name)
        if rule is None:
            continue
        type_.extensions[RULE] = rule
        if not type_.name.startswith("_"):
            add_directives(type_, list(_directives(rule.needs)))
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                if (own := rule.fields.get(name)) is not None:
                    field.extensions = {**(field.extensions or {}), RULE: own}
                    if not name.startswith("_"):
                        add_directives(field, list(_field_directives(own, rule)))


def _directives(needs: Requirement) -> Iterator[object]:
    if needs == PUBLIC:
        yield Public()
    elif needs == AUTHENTICATED:
        yield Authenticated()
    if held := needs.alternatives(SCOPE):
        yield RequiresScopes(scopes=held)
    if named := needs.alternatives(POLICY):
        yield Policy(policies=named)


def _field_directives(rule: Rule, of: TypeRule) -> Iterator[object]:
    """What the type does not say for all its fields."""
    if not of.needs.implies(rule.needs):
        yield from _directives(rule.needs)
    if rule.masking is not None:
        yield Masked(unless=rule.masking.unless.alternatives(SCOPE), as_=rule.masking.mask.value)


def add_directives(owner: Any, directives: list[object]) -> None:
    """To a copy of Strawberry's definition: that of the class belongs to all schemas."""
    definition = (owner.extensions or {}).get("strawberry-definition")
    if definition is None or not directives:
        return
    changed = copy(definition)
    changed.directives = [*(definition.directives or ()), *directives]
    owner.extensions = {**owner.extensions, "strawberry-definition": changed}


def reachable(roots: Iterable[GraphQLNamedType | None]) -> list[GraphQLNamedType]:
    found: dict[int, GraphQLNamedType] = {}
    waiting = [type_ for type_ in roots if type_ is not None]
    while waiting:
        type_ = waiting.pop()
        if id(type_) in found or is_introspection_type(type_):
            continue
        found[id(type_)] = type_
        fields: Mapping[str, GraphQLField] = getattr(type_, "fields", {})
        for field in fields.values():
            waiting.append(get_named_type(field.type))
            arguments = getattr(field, "args", None) or {}
            waiting += [get_named_type(argument.type) for argument in arguments.values()]
        waiting += [*getattr(type_, "interfaces", ()), *getattr(type_, "types", ())]
    return list(found.values())
