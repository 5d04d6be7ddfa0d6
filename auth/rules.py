"""The words in which the table of rules is written: what a field is, and what seeing it takes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from auth.requirement import AUTHENTICATED, PUBLIC, Requirement, scopes


class FieldClass(Enum):
    """What kind of knowledge a field gives. The last three need scopes of their own."""

    PUBLIC = "public"
    BUSINESS = "business"
    MONEY = "money"
    PII = "pii"
    SECRET = "secret"  # noqa: S105

    @property
    def is_sensitive(self) -> bool:
        return self in (FieldClass.MONEY, FieldClass.PII, FieldClass.SECRET)


class Mask(Enum):
    """How a value is shown to those who may not see it whole."""

    LAST4 = "LAST4"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    NAME = "NAME"
    HASH = "HASH"


class Masking(msgspec.Struct, frozen=True):
    """Masked as `mask` unless `unless` is met."""

    mask: Mask
    unless: Requirement


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Of one field. `reads` are the fields it is derived from; a `relation` only leads to records,
    which are judged by their own rules."""

    class_: FieldClass = FieldClass.BUSINESS
    needs: Requirement = AUTHENTICATED
    masking: Masking | None = None
    reads: tuple[str, ...] = ()
    relation: bool = False

    @property
    def whole(self) -> Requirement | None:
        """What seeing the value unmasked takes on top of `needs`, if it may be masked."""
        return self.masking.unless if self.masking is not None else None


class TypeRule(msgspec.Struct, frozen=True):
    """Of an object type: what seeing any of it takes, and the rule of every field."""

    needs: Requirement
    fields: Mapping[str, Rule]


def of_type(
    needs: str | Requirement = AUTHENTICATED,
    *,
    business: str = "",
    relations: str = "",
    fields: Mapping[str, Rule] | None = None,
) -> TypeRule:
    """`business` and `relations` name the fields that need no more than the type itself does;
    `needs` are scopes that must all be there."""
    required = scopes(needs) if isinstance(needs, str) else needs
    plain = {name: Rule(needs=_least(required)) for name in business.split()}
    leading = {name: Rule(needs=_least(required), relation=True) for name in relations.split()}
    own = dict(fields or {})
    twice = [*plain, *leading, *own]
    if len(twice) != len({*twice}):
        raise ValueError(f"a field has two rules: {sorted(twice)}")
    return TypeRule(required, {**plain, **leading, **own})


def _least(of_the_type: Requirement) -> Requirement:
    """A field of a public type is not public by that: it must say so itself."""
    return AUTHENTICATED if of_the_type == PUBLIC else of_the_type


def money(needs: str, reads: str = "") -> Rule:
    return Rule(class_=FieldClass.MONEY, needs=scopes(needs), reads=tuple(reads.split()))


def personal(needs: str) -> Rule:
    return Rule(class_=FieldClass.PII, needs=scopes(needs))


def masked(mask: Mask, needs: str, unless: str) -> Rule:
    """Personal data that everybody with `needs` sees masked, and with `unless` whole."""
    return Rule(class_=FieldClass.PII, needs=scopes(needs), masking=Masking(mask, scopes(unless)))
