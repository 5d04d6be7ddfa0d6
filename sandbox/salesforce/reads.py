"""The reading resources: queries, records by id, records by external id, descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sandbox.salesforce.call import Call, Reply
from sandbox.salesforce.describe import described, summary
from sandbox.salesforce.errors import ApiError, ManyRecords, malformed_id, not_found, unknown_column
from sandbox.salesforce.ids import canonical
from sandbox.salesforce.projection import Projection
from sandbox.salesforce.query import plan
from sandbox.salesforce.schema import Field
from sandbox.salesforce.scope import Scope
from sandbox.salesforce.table import Database, Row, Table, key_of

if TYPE_CHECKING:
    from sandbox.salesforce.simulator import Simulator

BATCH = re.compile(r"\bbatchSize=(\d+)")
MIN_BATCH, MAX_BATCH = 200, 2_000
MAX_IDS = 2_000
NO_EXTERNAL_ID = "Provided external ID field does not exist or is not accessible: "


def query(simulator: Simulator, call: Call) -> Reply:
    return queried(simulator, call, deleted=False)


def query_all(simulator: Simulator, call: Call) -> Reply:
    return queried(simulator, call, deleted=True)


def queried(simulator: Simulator, call: Call, deleted: bool) -> Reply:
    if "q" not in call.query:
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    made = plan(simulator.database, call.query["q"], call.base, deleted)
    return Reply(200, simulator.cursors.begin(made, batch_size(call), call.base))


def batch_size(call: Call) -> int:
    asked = BATCH.search(call.headers.get("sforce-query-options", ""))
    return min(max(int(asked[1]), MIN_BATCH), MAX_BATCH) if asked else MAX_BATCH


def query_more(simulator: Simulator, call: Call, locator: str) -> Reply:
    return Reply(200, simulator.cursors.read(locator, call.base))


def objects(simulator: Simulator, call: Call) -> Reply:
    found = [summary(sobject, call.base) for sobject in simulator.database.objects()]
    return Reply(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})


def basic(simulator: Simulator, call: Call, name: str) -> Reply:
    sobject = resource(simulator.database, name).sobject
    return Reply(200, {"objectDescribe": summary(sobject, call.base), "recentItems": []})


def describe(simulator: Simulator, call: Call, name: str) -> Reply:
    table = resource(simulator.database, name)
    return Reply(200, described(simulator.database, table.sobject, call.base))


def resource(database: Database, name: str) -> Table:
    """The table that a path names; an unknown one is a missing resource, not a bad query."""
    try:
        return database.table(name)
    except ApiError:
        raise not_found() from None


def record(simulator: Simulator, call: Call, name: str, native: str) -> Reply:
    table = resource(simulator.database, name)
    shown = projection(simulator.database, table, call)
    return Reply(200, shown.render(existing(table, native)))


def projection(database: Database, table: Table, call: Call) -> Projection:
    """The fields that `?fields=` names, or all."""
    if call.query.get("fields"):
        return chosen(database, table, call.query["fields"].split(","), call.base)
    return whole(database, table, call.base)


def chosen(database: Database, table: Table, names: Iterable[str], base: str) -> Projection:
    entity = table.sobject
    fields = []
    for name in dict.fromkeys(str(name).strip() for name in names):
        field = database.field(entity, name)
        if field is None:
            raise ApiError(400, "INVALID_FIELD", unknown_column(name, entity.name))
        fields.append(field)
    return of_fields(database, table, fields, base)


def whole(database: Database, table: Table, base: str) -> Projection:
    return of_fields(database, table, database.fields(table.sobject), base)


def of_fields(database: Database, table: Table, fields: Iterable[Field], base: str) -> Projection:
    made = Projection(Scope(database, table, "", None), base)
    for field in fields:
        made.put(field.name, itemgetter(field.name))
    return made


def existing(table: Table, native: str) -> Row:
    """The record with this id in either form, or 404."""
    full = canonical(native)
    if full is None:
        raise not_found(NO_EXTERNAL_ID + native)
    row = table.by_id.get(full)
    if row is None:
        raise not_found()
    if row["IsDeleted"]:
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
    return row


def by_external_id(
    simulator: Simulator, call: Call, name: str, field_name: str, value: str
) -> Reply:
    table = resource(simulator.database, name)
    field = simulator.database.field(table.sobject, field_name)
    if field is None or not (field.external_id or field.type == "id"):
        raise not_found(NO_EXTERNAL_ID + field_name)
    wanted = canonical(value) if field.type == "id" else key_of(field)(value)
    rows = table.index(field).get(wanted, [])
    if not rows:
        raise not_found()
    if len(rows) > 1:
        raise ManyRecords([f"{call.base}/sobjects/{table.sobject.name}/{r['Id']}" for r in rows])
    return Reply(200, projection(simulator.database, table, call).render(rows[0]))


def collection(simulator: Simulator, call: Call, name: str) -> Reply:
    """`GET /composite/sobjects/{name}?ids=&fields=`."""
    ids = [part for part in call.query.get("ids", "").split(",") if part]
    fields = [part for part in call.query.get("fields", "").split(",") if part]
    return collected(simulator, call, name, ids, fields)


def collection_by_body(simulator: Simulator, call: Call, name: str) -> Reply:
    """`POST /composite/sobjects/{name}`, for more ids than a URL holds."""
    body = call.record()
    return collected(simulator, call, name, body.get("ids") or [], body.get("fields") or [])


def collected(
    simulator: Simulator, call: Call, name: str, ids: list[Any], fields: list[Any]
) -> Reply:
    """Records in the order of their ids, null where there is none."""
    table = resource(simulator.database, name)
    if not ids or not fields:
        missing = "ids" if not ids else "fields"
        raise ApiError(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{missing}]")
    if len(ids) > MAX_IDS:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"record limit reached: {MAX_IDS} ids")
    shown = chosen(simulator.database, table, fields, call.base)
    rows = (table.by_id.get(identity(native)) for native in ids)
    live = (None if row is None or row["IsDeleted"] else row for row in rows)
    return Reply(200, [None if row is None else shown.render(row) for row in live])


def identity(native: Any) -> str:
    full = canonical(str(native))
    if full is None:
        raise malformed_id(str(native))
    return full


def limits(simulator: Simulator, call: Call) -> Reply:
    left = max(0, simulator.daily_limit - simulator.used)
    return Reply(200, {"DailyApiRequests": {"Max": simulator.daily_limit, "Remaining": left}})
