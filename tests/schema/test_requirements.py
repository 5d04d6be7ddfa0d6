"""No schema is built of which something is undecided, or that gives away what it protects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from graphql import GraphQLObjectType, is_non_null_type, parse
from graphql.language import ObjectTypeDefinitionNode

from auth.field_rules import FIELD_RULES, INPUT_READS
from auth.requirement import AUTHENTICATED, NEVER, scopes
from auth.rules import FieldClass, Mask, Masking, Rule, TypeRule
from schema import build
from schema.build import TillgateSchema, build_schema
from schema.requirements import Requirements, Undeclared

BUILT = build_schema()


def with_rule(place: str, **changes: Any) -> dict[str, TypeRule]:
    """The table with one rule changed; without changes, with the rule left out."""
    type_name, _, name = place.partition(".")
    rule = FIELD_RULES[type_name]
    fields = dict(rule.fields)
    if changes:
        fields[name] = msgspec.structs.replace(fields[name], **changes)
    else:
        del fields[name]
    return {**FIELD_RULES, type_name: TypeRule(rule.needs, fields)}


def faults(monkeypatch: pytest.MonkeyPatch, rules: Any) -> list[str]:
    monkeypatch.setattr(build, "FIELD_RULES", rules)
    with pytest.raises(Undeclared) as error:
        build_schema()
    return error.value.faults


@pytest.mark.parametrize(
    "place", ["Payment.amount", "Customer.email", "Order.number", "Query.sources", "Money.amount"]
)
def test_a_field_without_a_rule_fails_the_build(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    assert f"{place}: the field has no rule" in faults(monkeypatch, with_rule(place))


def test_a_type_without_a_rule_fails_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {name: rule for name, rule in FIELD_RULES.items() if name != "Refund"}
    assert "Refund: the type has no rule" in faults(monkeypatch, rules)


@pytest.mark.parametrize(
    ("place", "changes", "fault"),
    [
        ("Order.total", {"class_": FieldClass.BUSINESS}, "a field of type Money is money"),
        ("Order.customFields", {"class_": FieldClass.MONEY}, "a field of type JSON is pii"),
        ("Source.name", {"class_": FieldClass.PII}, "pii data needs scopes"),
        ("Source.name", {"class_": FieldClass.MONEY}, "money data needs scopes"),
        ("Source.name", {"needs": NEVER}, "it can be seen by nobody"),
        (
            "Customer.email",
            {"masking": Masking(Mask.EMAIL, unless=AUTHENTICATED)},
            "its mask is taken off without scopes",
        ),
        ("Order.paid", {"reads": ()}, "it is derived, and does not say what it reads"),
        ("Order.paid", {"needs": scopes("orders:read")}, "it reads Payment.captured, which takes"),
        ("Order.inSync", {"needs": scopes("orders:money")}, "it reads Payment.status, which takes"),
        ("Customer.totals", {"needs": scopes("orders:money orders:read payments:money")},
         "it reads Payment.amount, which takes more than itself"),
        ("Order.number", {"needs": scopes("orders:money")}, "a protected field must be nullable"),
    ],
)  # fmt: skip
def test_a_rule_that_gives_away_too_much_fails_the_build(
    monkeypatch: pytest.MonkeyPatch, place: str, changes: dict[str, Any], fault: str
) -> None:
    found = faults(monkeypatch, with_rule(place, **changes))
    assert [f for f in found if f.startswith(f"{place}: {fault}")], found


def test_a_derived_field_is_held_to_the_unmasked_value(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = with_rule("Customer.tier", reads=("Customer.email",))
    found = faults(monkeypatch, rules)
    assert found == ["Customer.tier: it reads Customer.email, which takes more than itself"]


def test_a_rule_of_what_is_not_there_fails_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {**with_rule("Order.number"), "Ghost": FIELD_RULES["Order"]}
    rules["Order"] = TypeRule(rules["Order"].needs, {**FIELD_RULES["Order"].fields, "no": Rule()})
    found = faults(monkeypatch, rules)
    assert "Ghost: there is a rule and no such type" in found
    assert "Order.no: there is a rule and no such field" in found


@pytest.mark.parametrize(
    "place",
    ["OrderFilter.total", "CustomerSort.NAME_ASC", "Query.customer(email)", "Query.node(id)"],
)
def test_an_argument_that_nobody_thought_of_fails_the_build(place: str) -> None:
    reads = {name: read for name, read in INPUT_READS.items() if name != place}
    with pytest.raises(Undeclared, match=re.escape(place)):
        Requirements(BUILT.executable, reads=reads)


def test_an_argument_that_reads_what_is_not_there_fails_the_build() -> None:
    with pytest.raises(Undeclared, match=r"Order\.ghost"):
        Requirements(BUILT.executable, reads={**INPUT_READS, "OrderFilter.total": ("Order.ghost",)})


def test_every_protected_field_may_be_null() -> None:
    """Checked beside the build's own check, from the requirements alone."""
    for type_ in BUILT.requirements.objects():
        for name, field in type_.fields.items():
            needs = BUILT.requirements.field(type_, name).needs
            if not BUILT.requirements.of_type(type_).implies(needs) and not name.startswith("_"):
                assert not is_non_null_type(field.type), f"{type_.name}.{name}"


def test_the_rules_of_one_schema_are_not_those_of_another() -> None:
    assert build_schema().federation_sdl == build_schema().federation_sdl == BUILT.federation_sdl


def directives(schema: TillgateSchema) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(place, directive, arguments) of the federation SDL, read back from its text."""
    for definition in parse(schema.federation_sdl).definitions:
        if isinstance(definition, ObjectTypeDefinitionNode):
            name = definition.name.value
            places = [(name, definition.directives)]
            places += [(f"{name}.{f.name.value}", f.directives) for f in definition.fields or ()]
            for place, used in places:
                for directive in used or ():
                    arguments = {a.name.value: _plain(a.value) for a in directive.arguments or ()}
                    yield place, directive.name.value, arguments


def _plain(node: Any) -> Any:
    return [_plain(v) for v in node.values] if hasattr(node, "values") else node.value


def test_other_routers_read_the_same_rules() -> None:
    found = list(directives(BUILT))
    needed = {p: a["scopes"] for p, d, a in found if d == "requiresScopes"}
    for type_ in BUILT.requirements.objects():
        for name in type_.fields:
            if type_.name.startswith("_") or name.startswith("_"):
                continue
            rule = FIELD_RULES[type_.name].fields[name]
            own = needed.get(f"{type_.name}.{name}", [[]])
            both = scopes(*(" ".join(a + b) for a in own for b in needed.get(type_.name, [[]])))
            assert both.implies(rule.needs), f"{type_.name}.{name}"
    assert ("Customer.email", "masked", {"unless": [["customers:pii"]], "as": "EMAIL"}) in found
    assert ("Query", "public", {}) in found
    assert ("Query.orders", "authenticated", {}) in found
    assert ("Money", "authenticated", {}) in found


def test_every_scope_is_one_that_is_agreed() -> None:
    assert {atom.removeprefix("scope:") for atom in BUILT.requirements.atoms} == {
        "authenticated", "federation", "customers:read", "customers:pii", "orders:read",
        "orders:money", "payments:read", "payments:money", "payments:pii", "refunds:read",
        "refunds:money", "disputes:read", "sources:read", "links:read",
    }  # fmt: skip


@pytest.mark.parametrize("word", ["name", "email", "phone", "account", "last4", "payer"])
def test_what_sounds_personal_is_personal(word: str) -> None:
    """A net under the table: of records, not of what only names sources and articles."""
    for type_name in ("Customer", "Payment", "Payer", "PaymentMethod", "Refund", "Dispute"):
        type_ = BUILT.executable.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        for name in type_.fields:
            access = BUILT.requirements.field(type_, name)
            if word in name.lower() and f"{type_name}.{name}" != "Payment.payer":
                assert access.rule.class_ is FieldClass.PII, f"{type_name}.{name}"
