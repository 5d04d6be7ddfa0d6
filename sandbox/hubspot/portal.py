"""One portal: its records, what each token may see, and what its operator has deleted since.

A test may revoke a token, take a scope away, delete an object type or a property, and keep records
out of the search index, all while it serves.
"""

from __future__ import annotations

import random
from typing import Any

from sandbox.hubspot.definitions import Definition, properties
from sandbox.hubspot.errors import HubspotError, invalid
from sandbox.hubspot.records import ACCOUNT, Records, Values, records
from sandbox.oddities import shuffle
from sandbox.simulator import Context
from sandbox.world import World

TYPE_IDS = {"0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-8": "line_items"} | {
    "0-123": "orders",
    "order": "orders",
    "contact": "contacts",
    "company": "companies",
    "deal": "deals",
    "line_item": "line_items",
}
SCOPES = frozenset(
    f"crm.objects.{name}.read" for name in ("contacts", "companies", "deals", "orders")
) | {"crm.objects.line_items.read", "crm.schemas.custom.read"}
DEFAULTS = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")
}
SYSTEM = ("createdate", "hs_createdate", "hs_lastmodifieddate", "hs_object_id")
PRIMARY = {("deals", "companies"): (5, 341), ("contacts", "companies"): (1, 279)}
TYPES = {
    ("deals", "contacts"): 3,
    ("contacts", "deals"): 4,
    ("deals", "line_items"): 19,
    ("line_items", "deals"): 20,
    ("orders", "contacts"): 507,
    ("contacts", "orders"): 508,
    ("orders", "line_items"): 513,
    ("line_items", "orders"): 514,
}


class Portal:
    def __init__(self, world: World, context: Context) -> None:
        letters = random.Random(f"{context.seed}:hubspot:token")
        parts = ("".join(letters.choices("0123456789abcdef", k=k)) for k in (8, 4, 4, 4, 12))
        self.token = "pat-eu1-" + "-".join(parts)
        self.revoked = False
        self.scopes: set[str] = set(SCOPES)
        self.deleted: set[str] = set()
        self.unindexed: set[str] = set()
        self.rng = random.Random(context.seed)
        self.people = world.customers
        self.records: Records = records(world)
        self.created = {
            table: {n: own.get("createdate") or own.get("hs_createdate") for n, own in rows.items()}
            for table, rows in self.records.values.items()
        }
        """When each record was made, also where a person cleared the property that says so."""
        self.definitions: dict[str, dict[str, Definition]] = {
            table: {one.name: one for one in several}
            for table, several in properties(world.accounts).items()
        }

    def merge(self, table: str, number: str, into: str) -> None:
        """As people do in HubSpot: one record stays, has the other's associations, and is told for
        either number; `hs_merged_object_ids` names the one that is gone.

        https://knowledge.hubspot.com/records/merge-records
        """
        values = self.records.values[table]
        gone = values.pop(number)
        former = values[into].get("hs_merged_object_ids")
        names = [former, gone.get("hs_merged_object_ids"), number]
        values[into]["hs_merged_object_ids"] = ";".join(filter(None, names))
        self.records.merge(table, number, into)
        for person in self.people if table == "contacts" else ():
            if person.sources.get(ACCOUNT) == number:
                person.sources[ACCOUNT] = into

    def present(self, table: str, number: str) -> str | None:
        """The number of the record that is told for a number: its own, or of what it became."""
        values = self.records.values[table]
        if number in values:
            return number
        named = ((key, one.get("hs_merged_object_ids") or "") for key, one in values.items())
        return next((key for key, former in named if number in former.split(";")), None)

    def admit(self, authorization: str) -> None:
        if authorization != f"Bearer {self.token}":
            raise HubspotError(
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0"
                " authentication and you can find more details at"
                " https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            )
        if self.revoked:
            raise HubspotError("EXPIRED_AUTHENTICATION", "The token has been revoked.")

    def table(self, name: str) -> str:
        """The object type that a name or a type id means, if the token may see it."""
        table = TYPE_IDS.get(name, name)
        if table not in self.definitions or table in self.deleted:
            raise invalid(f"Unable to infer object type from: {name}")
        self.need(f"crm.objects.{table}.read")
        return table

    def need(self, scope: str) -> None:
        if scope not in self.scopes:
            context = {"requiredGranularScopes": [scope]}
            raise HubspotError(
                "MISSING_SCOPES",
                "This app hasn't been granted all required scopes to make this call.",
                errors=[{"message": "One or more scopes are missing.", "context": context}],
            )

    def shown(self, table: str, number: str, wanted: list[str]) -> dict[str, Any]:
        """A record with the properties that were named; of others it says nothing."""
        values = self.records.values[table][number]
        names = [*DEFAULTS.get(table, ()), *SYSTEM, *wanted] if not wanted else [*SYSTEM, *wanted]
        known = [name for name in dict.fromkeys(names) if name in self.definitions[table]]
        created = self.created[table].get(number) or values.get("createdate")
        return {
            "id": number,
            "properties": {name: values.get(name) for name in known},
            "createdAt": created,
            "updatedAt": values["hs_lastmodifieddate"],
            "archived": False,
        }

    def searched(self, table: str) -> list[tuple[str, Values]]:
        """In any order: that of records which a sort does not tell apart is the index's own."""
        rows = list(self.records.values[table].items())
        shuffle(rows, self.rng)
        return [(number, values) for number, values in rows if number not in self.unindexed]

    def known_by(self, table: str, name: str) -> dict[str, str]:
        """Numbers by the value of a unique property; e-mails of contacts are unique, too."""
        kind = self.definitions[table].get(name)
        if kind is None or not (kind.unique or (table, name) == ("contacts", "email")):
            raise invalid(f"{name} is no unique property of {table}.")
        rows = self.records.values[table].items()
        return {str(values[name]): number for number, values in rows if values.get(name)}

    def linked(self, origin: str, target: str, number: str) -> list[dict[str, Any]]:
        """Associated records; a number is written as a number, as the classic version does."""
        numbers = self.records.links[origin, target].get(number, [])
        kinds = PRIMARY.get((origin, target))
        plain = {"category": "HUBSPOT_DEFINED", "label": None}
        rows = []
        for place, one in enumerate(numbers):
            types = [{**plain, "typeId": kinds[1] if kinds else TYPES.get((origin, target), 450)}]
            if kinds and place == 0:
                types.insert(0, {**plain, "typeId": kinds[0], "label": "Primary"})
            rows.append({"toObjectId": int(one), "associationTypes": types})
        return rows
