"""One simulated organisation: its records, sessions and quota, behind one ASGI application."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.books import digits
from sandbox.salesforce.call import Call, Reply, decoded, split_path, split_query
from sandbox.salesforce.cursors import Cursors
from sandbox.salesforce.errors import ApiError, not_found
from sandbox.salesforce.keys import connected_app
from sandbox.salesforce.oauth import OAuth, bearer
from sandbox.salesforce.recorded import read_back
from sandbox.salesforce.routes import dispatch
from sandbox.salesforce.table import Database, Row, Table
from sandbox.salesforce.tables import ACCOUNT, build, timestamp
from sandbox.simulator import Answer, Context
from sandbox.world import World

MOUNT = "/salesforce"
DAILY_LIMIT = 15_000
MAX_REQUEST = 16_384  # bytes of the URI, and of the URI with the headers
VERSION = re.compile(r"v(\d+)\.0\Z")
OLDEST, NEWEST = 60, 67
SEASONS = ("Spring", "Summer", "Winter")


class Simulator:
    """The organisation. Tests may change `hidden`, `daily_limit` and `session_seconds`."""

    def __init__(self, world: World, context: Context) -> None:
        self.context = context
        self.accounts = world.accounts
        self.database = Database(build(world))
        self.people = world.customers
        self.orders = {order.native_id: order for order in world.orders}
        self.cursors = Cursors()
        self.oauth = OAuth(context, connected_app(context), context.origin + MOUNT)
        self.daily_limit = DAILY_LIMIT
        self.used = 0
        self.refusing: str | None = None
        self.journal: list[tuple[Table, Row, Row]] = []

    @property
    def hidden(self) -> set[tuple[str, str]]:
        """(object, field) pairs the integration user may not read; "*" hides the object."""
        return self.database.hidden

    @property
    def session_seconds(self) -> int:
        return self.oauth.sessions.seconds

    @session_seconds.setter
    def session_seconds(self, seconds: int) -> None:
        self.oauth.sessions.seconds = seconds

    def expire_sessions(self) -> None:
        """End every session now, as an administrator can."""
        self.oauth.sessions.open.clear()

    def merge(self, name: str, native: str, into: str) -> None:
        """As people do: one record goes to the recycle bin and names the one that stays, which has
        its related records from then on (SOAP API guide, "merge()")."""
        table = self.database.table(name)
        for child in table.sobject.children.values():
            related = self.database.table(child.object)
            for row in [one for one in related.rows if one[child.field] == native]:
                self.update(related, row, {child.field: into})
        self.update(table, table.by_id[native], {"IsDeleted": True, "MasterRecordId": into})
        for person in self.people:
            if person.sources.get(ACCOUNT) == native:
                person.sources[ACCOUNT] = into

    def update(self, table: Table, row: Row, changes: Row) -> None:
        """Change a record, remember what it was, and let the world know what it now says."""
        now = timestamp(self.context.clock())
        self.journal.append((table, row, dict(row)))
        table.update(row, {**changes, "LastModifiedDate": now, "SystemModstamp": now})
        self.tell_world(table, row)

    def roll_back(self, mark: int) -> None:
        """Undo every change since the journal had this length."""
        while len(self.journal) > mark:
            table, row, before = self.journal.pop()
            table.update(row, before)
            self.tell_world(table, row)

    def tell_world(self, table: Table, row: Row) -> None:
        """Keep the labelled truth in step with what was written to an order."""
        order = self.orders.get(row["Id"])
        if order is None:
            return
        order.recorded_state = read_back(row)
        exponent = digits(order.currency)
        order.recorded_refunded = int((row["Refunded_Amount__c"] or Decimal(0)).scaleb(exponent))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = oversized(scope)
        body = await read_body(receive)
        await send_answer(answer or self.serve(scope, body).answer(), send)

    def serve(self, scope: Scope, body: bytes) -> Reply:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        raw = scope["raw_path"].decode("latin-1").partition("?")[0]
        path = split_path(raw.removeprefix(scope.get("root_path", "")))
        if path[:2] == ("services", "oauth2"):
            return self.log_in(path[2:], scope["method"], headers, body)
        query = split_query(scope["query_string"].decode("latin-1"))
        return self.data(Call(scope["method"], path, query, headers), body)

    def log_in(
        self, path: tuple[str, ...], method: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        endpoints: dict[tuple[str, ...], Callable[[dict[str, str], str], Reply]] = {
            ("token",): self.oauth.token,
            ("revoke",): self.oauth.revoke,
        }
        endpoint = endpoints.get(path)
        if endpoint is None or method != "POST":
            return refused(not_found())
        form = split_query(body.decode("utf-8", "replace"))
        return endpoint(form, headers.get("authorization", ""))

    def data(self, call: Call, body: bytes) -> Reply:
        """A call that counts against the quota, once whatever it holds."""
        if call.path == ("services", "data"):
            return Reply(200, versions())
        if not self.oauth.sessions.use(bearer(call.headers.get("authorization", ""))):
            return refused(ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid"))
        self.used += 1
        self.journal.clear()
        try:
            self.check_quota()
            self.check_allowed()
            call = Call(call.method, call.path, call.query, call.headers, decoded(body))
            reply = self.reply(call)
        except ApiError as error:
            reply = refused(error)
        usage = ("Sforce-Limit-Info", f"api-usage={self.used}/{self.daily_limit}")
        return Reply(reply.status, reply.body, (*reply.headers, usage))

    def check_quota(self) -> None:
        if self.context.rate_limits and self.used > self.daily_limit:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def check_allowed(self) -> None:
        """What the organisation holds against the user, as `refusing` says by its code."""
        if self.refusing is not None:
            raise ApiError(403, self.refusing, "The user may not do this now.")

    def reply(self, call: Call) -> Reply:
        """The answer to one request, or to one part of a composite."""
        try:
            check_version(call.path)
            return dispatch(self, call)
        except ApiError as error:
            return refused(error)


def refused(error: ApiError) -> Reply:
    return Reply(error.status, error.body)


def check_version(path: tuple[str, ...]) -> None:
    """Old versions are gone, future ones unknown."""
    if path[:2] != ("services", "data") or len(path) < 3:
        raise not_found()
    match = VERSION.match(path[2])
    number = int(match[1]) if match else NEWEST + 1
    if number < OLDEST:
        message = f"API version {path[2][1:]} has been retired. Use a newer version."
        raise ApiError(410, "UNSUPPORTED_API_VERSION", message)
    if number > NEWEST:
        raise ApiError(404, "UNSUPPORTED_API_VERSION", f"API version {path[2]} does not exist")


def versions() -> list[dict[str, str]]:
    """Three releases a year: v66.0 is Spring '26."""
    return [
        {
            "label": f"{SEASONS[n % 3]} '{26 + (n - 66) // 3 + (n % 3 == 2)}",
            "url": f"/services/data/v{n}.0",
            "version": f"{n}.0",
        }
        for n in range(OLDEST, NEWEST + 1)
    ]


def oversized(scope: Scope) -> Answer | None:
    """The web server's refusal of a long request, which is a page and not the API's JSON."""
    query = scope["query_string"]
    uri = len(scope["raw_path"]) + (len(query) + 1 if query else 0)
    if uri > MAX_REQUEST:
        return bad_message(414, "URI Too Long")
    headers = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if uri + headers > MAX_REQUEST:
        return bad_message(431, "Request Header Fields Too Large")
    return None


def bad_message(status: int, reason: str) -> Answer:
    page = f"<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>"
    return Answer(status, page.encode(), "text/html;charset=iso-8859-1")


async def read_body(receive: Receive) -> bytes:
    chunks: list[Any] = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)
