"""An executor that reads plain fields straight off records, and joins of a list all at once.

Most of an answer is fields without a resolver: attributes of a record, its money, its source.
graphql-core builds a path and an info object and asks several questions for each of them. Here a
selection is looked at once per operation: what is plain becomes one function per field, the rest
goes the reference's way. Whatever is irregular about an object (a null where none may be, a value
that cannot be written) makes the reference execute that object: it alone locates errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from operator import attrgetter
from typing import Any

import msgspec
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    located_error,
)
from graphql.execution import Executor as CoreExecutor
from graphql.pyutils import Path

from auth.access import Access
from auth.rules import Mask
from connectors.records import Kind, Record
from resolvers.context import Join
from resolvers.pages import Connection
from schema.misfits import misfits_of
from schema.permitted import INTROSPECTION, NEVER_NULL, denied_by, is_denied
from schema.requirements import access_of
from schema.shape import SHAPES

Project = Callable[[Any], Any]
"""From a value (or a source object) to what stands in the answer. Raises for what is irregular."""


RECORDS = frozenset(kind.value.capitalize() for kind in Kind)
"""Types whose objects are records."""

Load = tuple[Join[Any, Any], Record]
Read = tuple[str | None, Join[Any, Any]]
"""A join, of an item itself or of what an attribute of it holds."""


class Irregular(Exception):
    """The reference must decide."""


class NotPermitted(Exception):
    """Nulls a position that may not be seen where no null may stand; told apart from failures."""


class Plan(msgspec.Struct, frozen=True):
    """`names` in the order of the selection; `plain` is projected, `rest` executed as ever;
    `fields` are both, as the reference would execute them. `is_record`: what is shown is a record
    of a source."""

    names: tuple[str, ...]
    plain: tuple[tuple[str, Project], ...]
    rest: dict[str, Any]
    fields: dict[str, Any]
    selection: Any
    is_record: bool = False


class ProjectingExecutor(CoreExecutor[Any]):
    """For queries only: it has no notion of incremental delivery. One lives as long as its
    operation, and so does what it finds out about selections: each is held with it, so that its
    identity is not used again."""

    @property
    def async_helpers(self) -> GraphQLResolveInfoHelpers:
        """Made when it is asked for: kept, it would hold this executor, which holds the answer's
        records, in a cycle until the collector comes."""
        return GraphQLResolveInfoHelpers(self.gather_async_work, self.track_async_work)

    @async_helpers.setter
    def async_helpers(self, _: GraphQLResolveInfoHelpers) -> None:
        """Drops what graphql-core would keep."""

    @cached_property
    def _verdicts(self) -> dict[tuple[str, int], tuple[Any, bool, Project | None]]:
        return {}

    @cached_property
    def _read_of(self) -> dict[tuple[str, int], tuple[Any, tuple[Read, ...]]]:
        return {}

    @cached_property
    def _plans(self) -> dict[int, Plan]:
        return {}

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        if not self.context_value.spend(1):
            return {}
        plan = self._plan(parent_type, grouped_field_set)
        if plan.is_record and self.context_value.shown is not None:
            self.context_value.shown.append(source_value)
        if isinstance(source_value, Connection) and source_value.incomplete and path is not None:
            self.context_value.lacks(path.as_list(), source_value.incomplete)
        answer: dict[str, Any] = dict.fromkeys(plan.names)
        try:
            if misfits_of(source_value):
                raise Irregular
            for name, project in plan.plain:
                answer[name] = project(source_value)
        except Exception:
            return super().execute_fields(
                parent_type, source_value, path, plan.fields, position_context
            )
        if not plan.rest:
            return answer
        rest = super().execute_fields(parent_type, source_value, path, plan.rest, position_context)
        if isinstance(rest, dict):
            return answer | rest
        return _completed(answer, rest)

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Any,
        path: Path,
        position_context: Any,
    ) -> Any:
        """Nothing is behind what may not be seen; what is masked is masked here, whoever asks."""
        is_denied, mask = self._judged(parent_type, field_details_list)
        if is_denied:
            return self._nulled(parent_type, field_details_list, path)
        found = super().execute_field(
            parent_type, source, field_details_list, path, position_context
        )
        if mask is None:
            return found
        return _masked_later(mask, found) if self.is_awaitable(found) else mask(found)

    def _judged(self, parent_type: GraphQLObjectType, details: Any) -> tuple[bool, Project | None]:
        """Once per selection, not per row. Without rules there are no markers either."""
        if self.context_value.access is None:
            return False, None
        key = (parent_type.name, id(details))
        found = self._verdicts.get(key)
        if found is None:
            is_denied = self._is_denied(parent_type, details)
            mask = None if is_denied else self._mask(parent_type, details)
            found = self._verdicts[key] = (details, is_denied, mask)
        return found[1], found[2]

    def build_resolve_info(
        self,
        field_def: GraphQLField,
        field_nodes: Any,
        parent_type: GraphQLObjectType,
        path: Path,
    ) -> GraphQLResolveInfo[Any]:
        """Introspection is of the schema that whoever asks may see."""
        info = super().build_resolve_info(field_def, field_nodes, parent_type, path)
        if info.field_name not in INTROSPECTION and not parent_type.name.startswith("__"):
            return info
        access: Access | None = self.context_value.access
        if access is None or not access.is_enforced:
            return info
        return info._replace(schema=self.schema.extensions[SHAPES].of(access.granted))

    def _is_denied(self, parent_type: GraphQLObjectType, details: Any) -> bool:
        """By the markers in the document, or by the field's own rule: what the document says is
        decided before, and decided here again by the type that the object really has."""
        if is_denied([one.node for one in details]):
            return True
        access: Access | None = self.context_value.access
        name = details[0].node.name.value
        if access is None or name.startswith("__"):
            return False
        if access.sees(access_of(parent_type.fields.get(name)).needs):
            return False
        return not is_introspection_type(parent_type)

    def _nulled(self, parent_type: GraphQLObjectType, details: Any, path: Path) -> None:
        if not self._may_be_null(parent_type, details):
            raise located_error(NotPermitted(), [d.node for d in details], path.as_list())

    def _may_be_null(self, parent_type: GraphQLObjectType, details: Any) -> bool:
        """Of a field that is denied. A marker in its place says it; the field itself is asked where
        only its rule denies it."""
        node = details[0].node
        marker = denied_by(node)
        if marker is not None:
            return marker is not NEVER_NULL
        field = parent_type.fields.get(node.name.value)
        return field is None or not is_non_null_type(field.type)

    def _mask(self, parent_type: GraphQLObjectType, details: Any) -> Project | None:
        access: Access | None = self.context_value.access
        field = parent_type.fields.get(details[0].node.name.value)
        masking = access_of(field).masking if field is not None else None
        if access is None or masking is None or access.sees(masking.unless):
            return None
        return partial(_masked, access, masking.mask)

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: Any,
        info: Any,
        path: Path,
        items: Iterable[Any],
        position_context: Any,
    ) -> Any:
        """All items of a list have their joins fetched before any of them is executed: then their
        values are there, and the items need neither a task nor a future each."""
        items = list(items)
        if not self.context_value.spend(len(items)):
            return []
        loads = [
            (join, record)
            for attribute, join in self._reads(item_type, field_details_list)
            for item in items
            if (record := _record(item, attribute)) is not None
        ]
        complete = partial(
            super().complete_iterable_value,
            item_type,
            field_details_list,
            info,
            path,
            items,
            position_context,
        )
        if len(loads) < 2 or all(self.context_value.is_ready(*load) for load in loads):
            return complete()
        return self._fetched(loads, complete)

    async def _fetched(self, loads: list[Load], complete: Callable[[], Any]) -> Any:
        await self.context_value.ready(loads)
        completed = complete()
        return await completed if self.is_awaitable(completed) else completed

    def _reads(self, item_type: GraphQLOutputType, details: Any) -> tuple[Read, ...]:
        """Which joins are read of each item, or of the node of each edge."""
        type_ = item_type.of_type if is_non_null_type(item_type) else item_type
        if not is_object_type(type_):
            return ()
        key = (type_.name, id(details))
        found = self._read_of.get(key)
        if found is None:
            found = self._read_of[key] = (details, tuple(self._found_reads(type_, details)))
        return found[1]

    def _found_reads(self, type_: GraphQLObjectType, details: Any) -> Iterator[Read]:
        selection = self.collect_subfields(type_, details).grouped_field_set
        for inner in self._plan(type_, selection).rest.values():
            name = inner[0].node.name.value
            field = self.schema.get_field(type_, name)
            if field is None:
                continue
            join = _join(field)
            if join is not None:
                # With a filter less is read than the whole join.
                if not any(a.name.value == "filter" for a in inner[0].node.arguments or ()):
                    yield None, join
            elif (attribute := _attribute(field)) is not None and is_object_type(field.type):
                below = self._found_reads(field.type, inner)
                yield from ((attribute, join) for at, join in below if at is None)

    def _plan(self, parent_type: GraphQLObjectType, selection: Any) -> Plan:
        plan = self._plans.get(id(selection))
        if plan is None:
            plan = self._plans[id(selection)] = self._made(parent_type, selection)
        return plan

    def _made(self, parent_type: GraphQLObjectType, selection: Any) -> Plan:
        plain: list[tuple[str, Project]] = []
        rest: dict[str, Any] = {}
        fields = {name: _permitted(details) for name, details in selection.items()}
        for name, details in fields.items():
            project = self._plain_field(parent_type, details)
            if project is None:
                rest[name] = details
            else:
                plain.append((name, project))
        is_record = parent_type.name in RECORDS
        return Plan(tuple(selection), tuple(plain), rest, fields, selection, is_record)

    def _plain_field(self, parent_type: GraphQLObjectType, details: Any) -> Project | None:
        """None for a field that has a resolver, or below which some field has one."""
        if self._is_denied(parent_type, details):
            # Where no null may stand, the reference takes it where one may.
            return _null if self._may_be_null(parent_type, details) else None
        name = details[0].node.name.value
        if name == "__typename":
            return lambda source: parent_type.name
        field = self.schema.get_field(parent_type, name)
        attribute = _attribute(field) if field is not None else None
        if field is None or attribute is None:
            return None
        value = self._plain_value(field.type, details)
        if value is None:
            return None
        project = _of_attribute(attribute, value)
        mask = self._mask(parent_type, details)
        return project if mask is None else _then(project, mask)

    def _plain_value(self, type_: GraphQLOutputType, details: Any) -> Project | None:
        if is_non_null_type(type_):
            inner = self._plain_value(type_.of_type, details)
            return None if inner is None else _never_null(inner)
        if is_list_type(type_):
            inner = self._plain_value(type_.of_type, details)
            return None if inner is None else _each(inner)
        if is_leaf_type(type_):
            return _leaf(type_.name, type_.coerce_output_value)
        if is_object_type(type_) and type_.is_type_of is None:
            return self._plain_object(type_, details)
        return None

    def _plain_object(self, type_: GraphQLObjectType, details: Any) -> Project | None:
        selection = self.collect_subfields(type_, details).grouped_field_set
        plan = self._plan(type_, selection)
        if plan.rest:
            return None
        fields = plan.plain
        if plan.is_record and (shown := self.context_value.shown) is not None:
            return _noted(fields, shown)

        def project(source: Any) -> Any:
            if source is None:
                return None
            return {name: field(source) for name, field in fields}

        return project


def _noted(fields: tuple[tuple[str, Project], ...], shown: list[Record]) -> Project:
    def project(source: Any) -> Any:
        if source is None:
            return None
        answer = {name: field(source) for name, field in fields}
        shown.append(source)
        return answer

    return project


def _record(item: Any, attribute: str | None) -> Record | None:
    found = item if attribute is None else getattr(item, attribute, None)
    return found if isinstance(found, Record) else None


def _join(field: GraphQLField) -> Join[Any, Any] | None:
    """The join that the field's resolver says it reads."""
    definition = (field.extensions or {}).get("strawberry-definition")
    resolver = getattr(definition, "base_resolver", None)
    return getattr(getattr(resolver, "wrapped_func", None), "reads", None)


async def _completed(answer: dict[str, Any], rest: Any) -> dict[str, Any]:
    settled: dict[str, Any] = await rest
    return answer | settled


def _attribute(field: GraphQLField) -> str | None:
    """The record's attribute of a field that has neither a resolver nor arguments."""
    definition = (field.extensions or {}).get("strawberry-definition")
    if definition is None or field.args or not definition.is_basic_field:
        return None
    return str(definition.python_name)


def _permitted(details: Any) -> Any:
    """Without what stands for fields that may not be seen, where the same key is seen by another
    way."""
    seen = [one for one in details if denied_by(one.node) is None]
    return details if len(seen) == len(details) else seen or details


def _null(source: Any) -> None:
    return None


def _masked(access: Access, mask: Mask, value: Any) -> Any:
    """Of a text, or of each of a list of texts. Anything else is not shown."""
    if isinstance(value, list):
        return [_masked(access, mask, one) for one in value]
    return access.masked(mask, value) if isinstance(value, str) else None


async def _masked_later(mask: Project, value: Any) -> Any:
    return mask(await value)


def _then(first: Project, second: Project) -> Project:
    return lambda source: second(first(source))


def _of_attribute(attribute: str, value: Project) -> Project:
    get = attrgetter(attribute)
    return lambda source: value(get(source))


def _never_null(inner: Project) -> Project:
    def project(value: Any) -> Any:
        written = inner(value)
        if written is None:
            raise Irregular
        return written

    return project


def _each(inner: Project) -> Project:
    def project(values: Any) -> Any:
        if values is None:
            return None
        if isinstance(values, str):
            raise Irregular
        return [inner(value) for value in values]

    return project


def _leaf(name: str, write: Project) -> Project:
    if name in ("String", "ID"):
        return lambda value: value if value is None or type(value) is str else write(value)

    def project(value: Any) -> Any:
        if value is None:
            return None
        written = write(value)
        if written is None:
            raise Irregular
        return written

    return project
