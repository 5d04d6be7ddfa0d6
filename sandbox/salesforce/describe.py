"""What the organisation says about its objects: only what the user may read is there."""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.ids import PREFIXES
from sandbox.salesforce.schema import NUMBERS, Field, SObject
from sandbox.salesforce.table import Database


def summary(sobject: SObject, base: str) -> dict[str, Any]:
    """The part of a description that the list of objects has too."""
    url = f"{base}/sobjects/{sobject.name}"
    return {
        "name": sobject.name,
        "label": sobject.name,
        "keyPrefix": PREFIXES[sobject.name],
        "custom": False,
        "queryable": True,
        "retrieveable": True,
        "layoutable": True,
        "updateable": True,
        "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
    }


def described(database: Database, sobject: SObject, base: str) -> dict[str, Any]:
    return {
        **summary(sobject, base),
        "fields": [field_entry(f, choices(database, sobject, f)) for f in database.fields(sobject)],
        "childRelationships": children(database, sobject),
    }


def choices(database: Database, sobject: SObject, field: Field) -> list[str]:
    """The words of a picklist: those that some record has."""
    if field.type != "picklist":
        return []
    words = {row[field.name] for row in database.table(sobject.name).rows}
    return sorted(word for word in words if word is not None)


def field_entry(field: Field, words: list[str]) -> dict[str, Any]:
    number = field.type in NUMBERS
    return {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "length": field.length,
        "precision": 18 if number else 0,
        "scale": 3 if number else 0,
        "custom": field.name.endswith("__c"),
        "updateable": field.updateable,
        "createable": field.updateable,
        "nillable": field.name != "Id",
        "filterable": field.filterable,
        "sortable": field.filterable,
        "externalId": field.external_id,
        "idLookup": field.external_id or field.type == "id",
        "unique": False,
        "referenceTo": [field.leads_to] if field.leads_to else [],
        "relationshipName": field.relationship,
        "picklistValues": [
            {"active": True, "defaultValue": False, "label": w, "validFor": None, "value": w}
            for w in words
        ],
    }


def children(database: Database, sobject: SObject) -> list[dict[str, Any]]:
    seen = {s.name for s in database.objects()}
    return [
        {
            "childSObject": child.object,
            "field": child.field,
            "relationshipName": child.relationship,
            "cascadeDelete": False,
            "deprecatedAndHidden": False,
        }
        for child in sobject.children.values()
        if child.object in seen and (child.object, child.field) not in database.hidden
    ]
