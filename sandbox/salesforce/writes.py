"""The writing resources: field updates of existing records, one or many."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sandbox.salesforce.call import Call, Reply, parser_error
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import canonical
from sandbox.salesforce.reads import existing, resource
from sandbox.salesforce.schema import IDS, NUMBERS, Field, SObject
from sandbox.salesforce.table import Row
from sandbox.salesforce.tables import double

if TYPE_CHECKING:
    from sandbox.salesforce.simulator import Simulator

MAX_RECORDS = 200
MAX_CHUNKS = 10
ROLLED_BACK = ApiError(
    400,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone"
    " header",
)


def update(simulator: Simulator, call: Call, name: str, native: str) -> Reply:
    table = resource(simulator.database, name)
    row = existing(table, native)
    check_unmodified(row, call.headers.get("if-unmodified-since"))
    simulator.update(table, row, changes(simulator, table.sobject, call.record()))
    return Reply(204)


def check_unmodified(row: Row, since: str | None) -> None:
    """The precondition, to the second: HTTP dates are no finer."""
    if since is None:
        return
    try:
        bound = parsedate_to_datetime(since)
    except ValueError:
        return
    if modified(row).replace(microsecond=0) > bound.astimezone(UTC):
        message = "The request wasn't successful because a precondition failed."
        raise ApiError(412, "PRECONDITION_FAILED", message)


def modified(row: Row) -> datetime:
    return datetime.fromisoformat(row["LastModifiedDate"])


def changes(simulator: Simulator, sobject: SObject, body: dict[str, Any]) -> Row:
    """The values to set, each checked against its field."""
    found: Row = {}
    for name, value in body.items():
        if name == "attributes":
            continue
        field = simulator.database.field(sobject, name)
        if field is None:
            message = f"No such column '{name}' on sobject of type {sobject.name}"
            raise ApiError(400, "INVALID_FIELD", message)
        found[field.name] = checked(field, value)
    return found


def checked(field: Field, value: Any) -> Any:
    if not field.updateable:
        message = (
            f"Unable to create/update fields: {field.name}. Please check the security settings of"
            " this field and verify that it is read/write for your profile or permission set."
        )
        raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, (field.name,))
    if value is None or value == "":
        return None
    if field.type in NUMBERS:
        return number(field, value)
    return text(field, value)


def number(field: Field, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise mistyped(field, value)
    return double(Decimal(value))


def text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise mistyped(field, value)
    if len(value) > field.length:
        message = f"{field.label}: data value too large: {value} (max length={field.length})"
        raise ApiError(400, "STRING_TOO_LONG", message, (field.name,))
    if field.type not in IDS:
        return value
    native = canonical(value)
    if native is None:
        message = f"{field.label}: id value of incorrect type: {value}"
        raise ApiError(400, "MALFORMED_ID", message, (field.name,))
    return native


def mistyped(field: Field, value: Any) -> ApiError:
    return parser_error(f"Cannot deserialize instance of {field.type} from value {value}")


def update_many(simulator: Simulator, call: Call) -> Reply:
    """`PATCH /composite/sobjects`: 200 whatever happens to each record."""
    body = call.record()
    records = body.get("records") or []
    if not all(isinstance(record, dict) for record in records):
        raise parser_error("records must be objects")
    if len(records) > MAX_RECORDS:
        message = f"record limit reached. cannot submit more than {MAX_RECORDS} records"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"{message} in this request")
    if len(list(groupby(records, type_of))) > MAX_CHUNKS:
        raise ApiError(400, "INVALID_INPUT", f"cannot have more than {MAX_CHUNKS} chunks")
    mark = len(simulator.journal)
    results = [update_one(simulator, record) for record in records]
    if body.get("allOrNone") and not all(result["success"] for result in results):
        simulator.roll_back(mark)
        results = [failed(r["id"], ROLLED_BACK) if r["success"] else r for r in results]
    return Reply(200, results)


def type_of(record: Any) -> Any:
    attributes = record.get("attributes") if isinstance(record, dict) else None
    return attributes.get("type") if isinstance(attributes, dict) else None


def update_one(simulator: Simulator, record: Any) -> dict[str, Any]:
    """One record's result; its errors say `statusCode` where a request's say `errorCode`."""
    values = {k: v for k, v in record.items() if k.lower() != "id"}
    native = next((str(v) for k, v in record.items() if k.lower() == "id"), "")
    try:
        table = simulator.database.table(str(type_of(record)))
        row = existing(table, native)
        simulator.update(table, row, changes(simulator, table.sobject, values))
    except ApiError as error:
        return failed(native, error)
    return {"id": row["Id"], "success": True, "errors": []}


def failed(native: str, error: ApiError) -> dict[str, Any]:
    entry = {"statusCode": error.code, "message": error.message, "fields": list(error.fields)}
    result: dict[str, Any] = {"success": False, "errors": [entry]}
    return {"id": native, **result} if native else result


def delete(simulator: Simulator, call: Call, name: str, native: str) -> Reply:
    """To the recycle bin: only queryAll still shows the record."""
    table = resource(simulator.database, name)
    simulator.update(table, existing(table, native), {"IsDeleted": True})
    return Reply(204)
