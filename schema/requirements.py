"""What seeing a field takes in all: its own rule, that of its type and that of what it leads to.

Built once per schema, and strict: whatever has no rule, or a rule that gives away more than what it
is derived from, fails the build.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_introspection_type,
    is_non_null_type,
)

from auth.field_rules import FIELD_RULES, INPUT_READS, PAGING
from auth.requirement import NEVER, POLICY, PUBLIC, SCOPE, Requirement, all_of, any_of
from auth.rules import FieldClass, Masking, Rule, TypeRule
from schema.directives import RULE

ACCESS = "tillgate-access"
"""Where a field's FieldAccess is kept on the built schema."""


class Undeclared(Exception):
    """The schema is not built: it would show something that nobody decided to show."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class FieldAccess(msgspec.Struct, frozen=True):
    """`needs` includes the field's type and what it returns; `whole` is what it takes unmasked."""

    rule: Rule
    needs: Requirement

    @property
    def masking(self) -> Masking | None:
        return self.rule.masking

    @property
    def whole(self) -> Requirement:
        return all_of(self.needs, self.rule.whole or PUBLIC)


CLOSED = FieldAccess(Rule(class_=FieldClass.SECRET, needs=NEVER), NEVER)
"""Of what has no rule: nobody sees it."""


def access_of(field: GraphQLField | None) -> FieldAccess:
    found: FieldAccess = ((field.extensions if field else None) or {}).get(ACCESS, CLOSED)
    return found


class Requirements:
    """Raises Undeclared for a schema whose rules have a hole."""

    def __init__(
        self,
        schema: GraphQLSchema,
        rules: Mapping[str, TypeRule] = FIELD_RULES,
        reads: Mapping[str, tuple[str, ...]] = INPUT_READS,
    ) -> None:
        self.schema = schema
        self.reads = reads
        for type_ in self.objects():
            for field in type_.fields.values():
                rule = (field.extensions or {}).get(RULE)
                if rule is not None:
                    own = FieldAccess(rule, self._effective(type_, field, rule))
                    field.extensions = {**field.extensions, ACCESS: own}
        faults = [f for type_ in self.objects() for f in self._type(type_)]
        if faults := [*faults, *self._inputs(), *_stale(schema, rules, reads)]:
            raise Undeclared(faults)
        self.atoms = frozenset(atom for needs in self._all() for atom in needs.atoms)

    def objects(self) -> list[GraphQLObjectType]:
        """The object types of the graph, introspection's own left out."""
        return [
            type_
            for type_ in self.schema.type_map.values()
            if isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_)
        ]

    def of_type(self, type_: GraphQLNamedType) -> Requirement:
        """What any of it takes; an abstract type takes what one of its types does."""
        if is_abstract_type(type_):
            return any_of(*map(self.of_type, self.schema.get_possible_types(type_)))
        rule: TypeRule | None = (type_.extensions or {}).get(RULE)
        if rule is not None:
            return rule.needs
        return NEVER if isinstance(type_, GraphQLObjectType) else PUBLIC

    def field(self, type_: GraphQLObjectType, name: str) -> FieldAccess:
        return access_of(type_.fields.get(name))

    def place(self, place: str) -> FieldAccess:
        """Of `Type.field`."""
        type_name, _, name = place.partition(".")
        type_ = self.schema.get_type(type_name)
        return self.field(type_, name) if isinstance(type_, GraphQLObjectType) else CLOSED

    def possible(self, type_: GraphQLNamedType) -> tuple[GraphQLObjectType, ...]:
        if isinstance(type_, GraphQLObjectType):
            return (type_,)
        return tuple(self.schema.get_possible_types(type_)) if is_abstract_type(type_) else ()

    def read_by(
        self, parent: str, field: str, name: str, argument: GraphQLArgument, value: Any
    ) -> tuple[str, ...]:
        """The fields that a value given for an argument asks by; `value` as it stands in JSON."""
        place = f"{parent}.{field}({name})"
        return tuple(_places(self.reads, place, name, argument.type, value))

    def _effective(self, type_: GraphQLObjectType, field: GraphQLField, rule: Rule) -> Requirement:
        return all_of(self.of_type(type_), rule.needs, self.of_type(get_named_type(field.type)))

    def _all(self) -> Iterator[Requirement]:
        for type_ in self.objects():
            yield self.of_type(type_)
            yield from (access_of(field).whole for field in type_.fields.values())

    def _type(self, type_: GraphQLObjectType) -> Iterator[str]:
        if (type_.extensions or {}).get(RULE) is None:
            yield f"{type_.name}: the type has no rule"
            return
        for name, field in type_.fields.items():
            place = f"{type_.name}.{name}"
            if (field.extensions or {}).get(RULE) is None:
                yield f"{place}: the field has no rule"
            else:
                yield from self._field(type_, place, field)

    def _field(self, type_: GraphQLObjectType, place: str, field: GraphQLField) -> Iterator[str]:
        access = access_of(field)
        rule = access.rule
        named = get_named_type(field.type).name
        if named in LEAST and rule.class_ not in LEAST[named]:
            yield f"{place}: a field of type {named} is {LEAST[named][0].value}"
        if rule.class_.is_sensitive and not _asks(access.needs):
            yield f"{place}: {rule.class_.value} data needs scopes"
        if rule.masking is not None and not _asks(rule.masking.unless):
            yield f"{place}: its mask is taken off without scopes"
        if not access.needs.clauses and rule.class_ is not FieldClass.SECRET:
            yield f"{place}: it can be seen by nobody"
        if _is_derived(field) and not rule.relation and not rule.reads:
            yield f"{place}: it is derived, and does not say what it reads"
        for read in rule.reads:
            if not access.needs.implies(self.place(read).whole):
                yield f"{place}: it reads {read}, which takes more than itself"
        open_to_all = self.of_type(type_).implies(access.needs)
        if is_non_null_type(field.type) and not open_to_all and not place.startswith("Query._"):
            yield f"{place}: a protected field must be nullable"

    def _inputs(self) -> Iterator[str]:
        for type_ in self.objects():
            for name, field in type_.fields.items():
                for arg, argument in field.args.items():
                    place = f"{type_.name}.{name}({arg})"
                    yield from _undeclared(self.reads, place, arg, argument.type)
        for place in {place for places in self.reads.values() for place in places}:
            if self.place(place) is CLOSED:
                yield f"{place}: an argument reads it, and there is no such field"


LEAST: Mapping[str, tuple[FieldClass, ...]] = {
    "Money": (FieldClass.MONEY, FieldClass.SECRET),
    "Price": (FieldClass.MONEY, FieldClass.SECRET),
    "CustomerTotal": (FieldClass.MONEY, FieldClass.SECRET),
    "JSON": (FieldClass.PII, FieldClass.SECRET),
}
"""What a field of a type is at least: amounts are money, and free JSON may hold anything."""


def _asks(needs: Requirement) -> bool:
    """Whether every way to meet it takes a scope or a policy."""
    return all(any(atom.startswith((SCOPE, POLICY)) for atom in c) for c in needs.clauses)


def _is_derived(field: GraphQLField) -> bool:
    definition = (field.extensions or {}).get("strawberry-definition")
    return definition is not None and definition.base_resolver is not None


def _stale(
    schema: GraphQLSchema,
    rules: Mapping[str, TypeRule],
    reads: Mapping[str, tuple[str, ...]],
) -> Iterator[str]:
    """Rules of what is not there: somebody renamed a field and left its rule behind."""
    for name, rule in rules.items():
        type_ = schema.get_type(name)
        if type_ is None:
            yield f"{name}: there is a rule and no such type"
        for field in rule.fields if type_ is not None else ():
            if field not in getattr(type_, "fields", {}):
                yield f"{name}.{field}: there is a rule and no such field"
    for place in reads:
        if "(" not in place and not _is_member(schema, place):
            yield f"{place}: there is a rule and no such input"


def _is_member(schema: GraphQLSchema, place: str) -> bool:
    type_name, _, name = place.partition(".")
    type_ = schema.get_type(type_name)
    members = getattr(type_, "fields", None) or getattr(type_, "values", {})
    return name in members


def _undeclared(
    reads: Mapping[str, tuple[str, ...]], place: str, name: str, type_: Any
) -> Iterator[str]:
    named = get_named_type(type_)
    if place in reads or name in PAGING:
        return
    members = list(_members(named))
    if not members:
        yield f"{place}: it is not declared what the argument reads"
    yield from (
        f"{named.name}.{member}: it is not declared what it reads"
        for member in members
        if f"{named.name}.{member}" not in reads
    )


def _members(type_: GraphQLNamedType) -> Iterator[str]:
    if isinstance(type_, GraphQLEnumType):
        yield from type_.values
    elif isinstance(type_, GraphQLInputObjectType):
        yield from type_.fields


def _places(
    reads: Mapping[str, tuple[str, ...]], place: str, name: str, type_: Any, value: Any
) -> Iterator[str]:
    """`Type.field` of every field that the value reads. What is null narrows nothing."""
    if value is None or name in PAGING:
        return
    if place in reads:
        yield from reads[place]
        return
    if isinstance(value, list):
        for one in value:
            yield from _places(reads, place, name, type_, one)
        return
    members = [value]
    if isinstance(value, Mapping):
        members = [member for member, inner in value.items() if inner is not None]
    for member in members:
        yield from reads[f"{get_named_type(type_).name}.{member}"]
