"""`tillgate schema --access`: who may see which field, as a Markdown page made from the schema."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import GraphQLObjectType

from schema.build import TillgateSchema
from schema.requirements import FieldAccess

HEAD = """\
# Who may see what

Made by `make sdl` from the rules that stand on the schema
([federation.graphql](../schema/federation.graphql)); a test holds it up to date. Whoever lacks the
scopes gets null and an error `UNAUTHORIZED_FIELD_OR_TYPE`, and the sources are not asked for it.
Scopes are those of the field, its type and what it leads to together. Where a mask is named, the
value is masked without the scopes beside it, and cannot be filtered or sorted by.
"""
INPUTS = """
## Arguments
To filter or sort by a field is to read it. These take what seeing the fields unmasked takes;
without, the field that has the argument is null.

| argument | reads | scopes |
|---|---|---|
"""


def access_page(schema: TillgateSchema) -> str:
    """The whole page."""
    types = sorted(schema.requirements.objects(), key=lambda type_: type_.name)
    parts = [_type(schema, type_) for type_ in types]
    return HEAD + "".join(parts) + INPUTS + "\n".join(_inputs(schema)) + "\n"


def _type(schema: TillgateSchema, type_: GraphQLObjectType) -> str:
    needs = schema.requirements.of_type(type_)
    rows = [_row(name, schema.requirements.field(type_, name)) for name in type_.fields]
    head = f"\n## {type_.name}\nTo see any of it: {needs}.\n\n"
    return head + "| field | class | scopes | mask |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _row(name: str, access: FieldAccess) -> str:
    masking = access.masking
    mask = f"{masking.mask.value} without {masking.unless}" if masking is not None else ""
    return f"| `{name}` | {access.rule.class_.value} | {access.needs} | {mask} |"


def _inputs(schema: TillgateSchema) -> Iterator[str]:
    for place, reads in sorted(schema.requirements.reads.items()):
        needs = " and ".join(dict.fromkeys(str(schema.requirements.place(r).whole) for r in reads))
        shown = ", ".join(f"`{read}`" for read in reads)
        yield f"| `{place}` | {shown or 'nothing'} | {needs or 'those of the record'} |"
