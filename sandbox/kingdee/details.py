"""One record in full (View), and what a form is (QueryBusinessInfo)."""

from __future__ import annotations

from typing import Any

from sandbox.kingdee.errors import Refusal
from sandbox.kingdee.forms import Bill, Entity, Field, Form
from sandbox.kingdee.query import TIMES, Shelf, written

LCID = 2052
SUCCESS = {
    "IsSuccess": True,
    "Errors": [],
    "SuccessEntitys": [],
    "SuccessMessages": [],
    "MsgCode": 0,
}


def view(shelf: Shelf, form_id: Any, data: Any) -> dict[str, Any]:
    """By `Id` or by `Number`; properties are named as the fields without their F."""
    form = shelf.form(form_id)
    if not isinstance(data, dict):
        raise Refusal(8, "参数错误")
    wanted, number = str(data.get("Id") or ""), data.get("Number")
    bill = next(
        (
            bill
            for bill in form.bills
            if (wanted and str(bill[form.key]) == wanted)
            or (number and bill[form.number] == number)
        ),
        None,
    )
    if bill is None:
        raise Refusal(10, "单据不存在")
    shown: dict[str, Any] = {"Id": bill[form.key]}
    for entity in form.entities:
        if entity.kind == "HeadEntity":
            shown |= properties(shelf, form, entity, bill)
        elif entity.kind == "SubHeadEntity":
            shown[entity.name] = [properties(shelf, form, entity, bill)]
        else:
            shown[entity.name] = [
                {"Id": line[entity.pk]} | properties(shelf, form, entity, line)
                for line in bill[entity.key]
            ]
    return {"Result": {"ResponseStatus": None, "Result": shown}}


def properties(shelf: Shelf, form: Form, entity: Entity, values: Bill) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in entity.fields:
        if {(form.id, one.key)} & (shelf.hidden | shelf.dropped):
            continue
        name, value = one.key.removeprefix("F"), values.get(one.key)
        if one.refers:
            found[f"{name}_Id"] = value or 0
            found[name] = referred(shelf, one, value)
        elif one.element == "MulLangTextField":
            found[name] = [{"Key": LCID, "Value": value}]
        else:
            found[name] = written(value) if one.element in TIMES else value
    return found


def referred(shelf: Shelf, one: Field, key: Any) -> dict[str, Any] | None:
    bill = shelf.referred(one.refers, key) if key else None
    if bill is None:
        return None
    name = [{"Key": LCID, "Value": bill["FName"]}]
    return {"Id": key, "Number": bill["FNumber"], "Name": name}


def business_info(shelf: Shelf, data: Any) -> dict[str, Any]:
    form = shelf.form(data.get("FormId") if isinstance(data, dict) else None)
    entries = [
        {
            "Key": entity.key,
            "Name": named(entity.name or form.label),
            "EntityType": entity.kind,
            "EntryPkFieldName": form.key if entity.kind != "EntryEntity" else "FEntryID",
            "Fields": [
                described(one)
                for one in entity.fields
                if (form.id, one.key) not in shelf.hidden | shelf.dropped
            ],
        }
        for entity in form.entities
    ]
    told = {"Id": form.id, "Name": named(form.label), "Entrys": entries}
    return {"Result": {"ResponseStatus": SUCCESS, "NeedReturnData": told}}


def described(one: Field) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Key": one.key,
        "Name": named(one.label or one.key),
        "ElementType": one.element,
        "MustInput": 0,
        "IsViewVisible": True,
        "Extends": {"EnumItems": [{"Value": word} for word in one.words]} if one.words else {},
    }
    return found | ({"LookUpObjectFormId": one.refers} if one.refers else {})


def named(label: str) -> list[dict[str, Any]]:
    return [{"Key": LCID, "Value": label}, {"Key": 1033, "Value": label}]
