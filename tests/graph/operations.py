"""Random operations of the graph, and what of their answer somebody may see, told independently.

The oracle knows the table of rules and nothing of how the executor works: it takes the answer that
is given to somebody who may see all, and blanks it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
    parse,
)

from auth import masks
from auth.field_rules import FIELD_RULES

ROOTS = ("customers(first: 3)", "orders(first: 4)", "payments(first: 3)", "refunds(first: 2)")
ON, OFF = ("@include(if: $on)", "@skip(if: $off)"), ("@skip(if: $on)", "@include(if: $off)")
VARIABLES = {"on": True, "off": False}


class Generator:
    """One operation per seed: plain fields, aliases, fragments of both kinds, conditions."""

    def __init__(self, schema: GraphQLSchema, seed: int) -> None:
        self._schema = schema
        self._dice = random.Random(seed)
        self._fragments: list[str] = []

    def operation(self) -> str:
        roots = self._dice.sample(ROOTS, self._dice.randint(1, 2))
        bodies = " ".join(self._root(root) for root in roots)
        body = f"{{ {bodies} }} {' '.join(self._fragments)}"
        used = {name: str(value).lower() for name, value in VARIABLES.items() if f"${name}" in body}
        declared = ", ".join(f"${name}: Boolean! = {value}" for name, value in used.items())
        return f"query R({declared}) {body}" if declared else f"query R {body}"

    def _root(self, root: str) -> str:
        type_ = self._schema.type_map[root.partition("(")[0].capitalize()[:-1]]
        assert isinstance(type_, GraphQLObjectType)
        inner = " ".join(self._selections(type_, 3))
        way = "edges { node { %s } }" if self._dice.random() < 0.3 else "nodes { %s }"
        more = " totalCount pageInfo { hasNextPage }" if self._dice.random() < 0.5 else ""
        return f"{root} {{ {way % inner}{more} }}"

    def _selections(self, type_: GraphQLObjectType, depth: int) -> Iterator[str]:
        fields = list(type_.fields)
        for name in self._dice.sample(fields, min(len(fields), self._dice.randint(2, 5))):
            field = self._field(type_, name, depth)
            if field:
                yield self._wrapped(type_, field)
                yield from self._again(type_, field, name, depth)
        if self._dice.random() < 0.2:
            yield "__typename"
        else:
            leaf = self._leaf(type_)
            # Selections of one key must not mean two fields by one name.
            yield f"w{self._dice.randint(0, 9)}{leaf}: {leaf}"

    def _again(self, type_: GraphQLObjectType, field: str, name: str, depth: int) -> Iterator[str]:
        """The same key by a second selection, which may see something where the first sees nothing,
        or the other way round."""
        inner = get_named_type(type_.fields[name].type)
        if isinstance(inner, GraphQLObjectType) and self._dice.random() < 0.25:
            head = field.partition("{")[0]
            below = "none: __typename @skip(if: $on)"
            if self._dice.random() < 0.7:
                below = " ".join(self._selections(inner, depth - 1))
            yield self._wrapped(type_, f"{head}{{ {below} }}")

    def _leaf(self, type_: GraphQLObjectType) -> str:
        leaves = [n for n, f in type_.fields.items() if is_leaf_type(get_named_type(f.type))]
        return self._dice.choice(leaves) if leaves else "__typename"

    def _field(self, type_: GraphQLObjectType, name: str, depth: int) -> str:
        inner = get_named_type(type_.fields[name].type)
        alias = f"a{self._dice.randint(0, 9)}{name}: " if self._dice.random() < 0.2 else ""
        if is_leaf_type(inner):
            return alias + name
        if not depth or not isinstance(inner, GraphQLObjectType):
            return ""
        arguments = "(first: 2)" if "first" in type_.fields[name].args else ""
        below = " ".join(self._selections(inner, depth - 1))
        # Two selections of one field must not differ in their arguments.
        return f"{alias}{name}{arguments} {{ {below} }}"

    def _wrapped(self, type_: GraphQLObjectType, field: str) -> str:
        dice = self._dice.random()
        if dice < 0.12:
            return f"... {self._dice.choice(ON)} {{ {field} }}"
        if dice < 0.2:
            return f"... on {type_.name} {self._dice.choice(ON + OFF)} {{ {field} }}"
        if dice < 0.32:
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {type_.name} {{ {field} }}")
            return f"...{name} {self._dice.choice(ON)}"
        return field


class Oracle:
    """Answers as they are for somebody who holds `scopes`."""

    def __init__(self, schema: GraphQLSchema, scopes: frozenset[str]) -> None:
        self._schema = schema
        self._granted = frozenset({"authenticated", *(f"scope:{scope}" for scope in scopes)})
        self._fragments: dict[str, FragmentDefinitionNode] = {}

    def blanked(self, query: str, data: Any) -> Any:
        document = parse(query)
        self._fragments = _fragments(document)
        operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
        assert self._schema.query_type is not None
        shown, alive = self._object(self._schema.query_type, [operation], data)
        return shown if alive else None

    def allows(self, type_: GraphQLObjectType, name: str) -> bool:
        if name == "__typename":
            return True
        rule = FIELD_RULES[type_.name].fields[name]
        to = get_named_type(type_.fields[name].type).name
        every = [FIELD_RULES[type_.name].needs, rule.needs]
        every += [FIELD_RULES[to].needs] if to in FIELD_RULES else []
        return all(needs.met_by(self._granted) for needs in every)

    def _object(
        self, type_: GraphQLObjectType, nodes: list[Any], data: Any
    ) -> tuple[dict[str, Any], bool]:
        grouped: dict[str, list[FieldNode]] = {}
        for node in nodes:
            for field in self._fields(node.selection_set):
                key = field.alias.value if field.alias else field.name.value
                grouped.setdefault(key, []).append(field)
        shown = {key: self._value(type_, fields, data[key]) for key, fields in grouped.items()}
        return shown, self._alive(type_, nodes)

    def _value(self, parent: GraphQLObjectType, fields: list[FieldNode], value: Any) -> Any:
        name = fields[0].name.value
        if not self.allows(parent, name):
            return None
        if name == "__typename" or fields[0].selection_set is None:
            return self._leaf(parent, name, value)
        type_: Any = parent.fields[name].type
        # Whether anything below may be seen does not hang on the rows that there are.
        if not self._alive(get_named_type(type_), fields) and not is_non_null_type(type_):
            return None
        return self._below(get_named_type(type_), fields, value)

    def _alive(self, type_: Any, fields: list[FieldNode]) -> bool:
        """Whether anything below is seen, or nothing of it is denied."""
        leaves = list(self._leaves(type_, fields))
        return not leaves or any(leaves)

    def _leaves(self, type_: Any, fields: list[FieldNode]) -> Iterator[bool]:
        """Of everything below that is a value or is denied: whether it is seen."""
        for field in (f for parent in fields for f in self._fields(parent.selection_set)):
            name = field.name.value
            if not self.allows(type_, name) or field.selection_set is None:
                yield self.allows(type_, name)
            else:
                yield from self._leaves(get_named_type(type_.fields[name].type), [field])

    def _below(self, type_: Any, fields: list[FieldNode], value: Any) -> Any:
        if isinstance(value, list):
            return [self._below(type_, fields, one) for one in value]
        return None if value is None else self._object(type_, list(fields), value)[0]

    def _leaf(self, parent: GraphQLObjectType, name: str, value: Any) -> Any:
        rule = FIELD_RULES[parent.name].fields.get(name)
        if rule is None or rule.masking is None or rule.masking.unless.met_by(self._granted):
            return value
        mask = rule.masking.mask
        if isinstance(value, list):
            return [masks.shown(mask, one, None) for one in value]
        return None if value is None else masks.shown(mask, value, None)

    def _fields(self, selection_set: Any) -> Iterator[FieldNode]:
        for node in selection_set.selections if selection_set else ():
            if _is_out(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                yield from self._fields(self._fragments[node.name.value].selection_set)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}


def _is_out(node: Any) -> bool:
    return any(
        VARIABLES[directive.arguments[0].value.name.value] is (directive.name.value == "skip")
        for directive in node.directives or ()
    )


def is_with_nulls(less: Any, more: Any) -> bool:
    """Whether one answer is the other with some values null, or masked."""
    if less is None or less == more:
        return True
    if isinstance(less, dict) and isinstance(more, dict):
        same = list(less) == list(more)
        return same and all(is_with_nulls(less[key], more[key]) for key in less)
    if isinstance(less, list) and isinstance(more, list):
        same = len(less) == len(more)
        return same and all(is_with_nulls(a, b) for a, b in zip(less, more, strict=True))
    return isinstance(less, str) and isinstance(more, str) and "**" in less
