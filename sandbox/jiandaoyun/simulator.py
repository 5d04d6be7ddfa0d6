"""One company's application: who calls, which endpoint, and its answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.calls import vendor_path
from sandbox.jiandaoyun import writes
from sandbox.jiandaoyun.bodies import MOST, Body
from sandbox.jiandaoyun.errors import JdyError, too_many_at_once
from sandbox.jiandaoyun.filters import test_of
from sandbox.jiandaoyun.forms import Field, Form, Record, Values
from sandbox.jiandaoyun.ids import api_key, hex_id
from sandbox.jiandaoyun.limits import AT_ONCE, Limits
from sandbox.jiandaoyun.records import build, member, moment
from sandbox.simulator import Answer, Context
from sandbox.world import World

ROOT = "/api/v5/app"
USUAL_PAGE = 10
SYSTEM = ("creator", "updater", "createTime", "updateTime", "flowState")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`rate` is calls a second."""

    rate: int
    answer: Callable[[Simulator, Body], Any]


class Simulator:
    """`keys` are live API keys with the applications they may call; `ids_in_batches` lets records
    be asked for by several `_id`s, which the vendor does not document. Tests may change both, and
    the forms.
    """

    def __init__(self, world: World, context: Context) -> None:
        self.context = context
        self.app_id = hex_id(context.seed, "app")
        self.keys: dict[str, set[str]] = {api_key(context.seed): {self.app_id}}
        self.named = build(world)
        self.forms = {form.entry_id: form for form in self.named.values()}
        self.ids_in_batches = False
        self.limits = Limits()
        self.under_way = 0
        self.numbers = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"Jiandaoyun speaks HTTP, not {scope['type']}")
        self.under_way += 1
        try:
            content = await _content(receive)
            await send_answer(self.answer(scope, content), send)
        finally:
            self.under_way -= 1

    def answer(self, scope: Scope, content: bytes) -> Answer:
        if self.context.rate_limits and self.under_way > AT_ONCE:
            return too_many_at_once()
        try:
            return Answer(200, _ENCODER.encode(self.result(scope, content)))
        except JdyError as error:
            return error.answer

    def result(self, scope: Scope, content: bytes) -> Any:
        path = vendor_path(scope)
        endpoint = ENDPOINTS.get(path.removeprefix(ROOT)) if path.startswith(ROOT) else None
        if endpoint is None or scope["method"] != "POST":
            raise JdyError(1, 404)
        granted = self.keys.get(bearer(scope))
        if granted is None:
            raise JdyError(8301)
        if self.context.rate_limits:
            self.limits.spend(path, endpoint.rate, self.context.clock())
        if not header(scope, "content-type").startswith("application/json"):
            raise JdyError(1)
        body = Body(content)
        if path != f"{ROOT}/list":
            self.check_app(body.hex_id("app_id"), granted)
        return endpoint.answer(self, body)

    def check_app(self, app_id: str, granted: set[str]) -> None:
        if app_id != self.app_id:
            raise JdyError(2004)
        if app_id not in granted:
            raise JdyError(8302)

    def apps(self, body: Body) -> Values:
        _slice(body, [])
        granted = any(self.app_id in apps for apps in self.keys.values())
        apps = [{"app_id": self.app_id, "name": "销售管理"}] if granted else []
        return {"apps": _slice(body, apps)}

    def form_names(self, body: Body) -> Values:
        every = [
            {"app_id": self.app_id, "entry_id": form.entry_id, "name": form.name}
            for form in self.forms.values()
        ]
        return {"forms": _slice(body, every)}

    def widgets(self, body: Body) -> Values:
        form = self.form(body)
        latest = max((r.updated_at for r in form.records.values()), default=self.context.clock())
        return {
            "widgets": [field.shown() for field in form.fields],
            "sysWidgets": [{"name": name} for name in ("_id", *SYSTEM)],
            "dataModifyTime": moment(latest),
        }

    def listed(self, body: Body) -> Values:
        """Sorted by id, behind the cursor; there is no total."""
        form, after = self.form(body), body.cursor()
        limit = body.number("limit", USUAL_PAGE, 1, MOST)
        fits = test_of(form, body.values.get("filter"), self.ids_in_batches)
        fields = body.texts("fields")
        found = (form.records[key] for key in sorted(form.records) if key > after)
        page = itertools.islice((record for record in found if fits(record)), limit)
        return {"data": [self.shown(form, record, fields) for record in page]}

    def one(self, body: Body) -> Values:
        form = self.form(body)
        return {"data": self.shown(form, self.record(form, body.hex_id("data_id")))}

    def create(self, body: Body) -> Values:
        form = self.form(body)
        now = self.context.clock()
        record = writes.created(form, body.object("data"), next(self.numbers), now)
        return {"data": self.shown(form, record)}

    def batch_create(self, body: Body) -> Values:
        form, now = self.form(body), self.context.clock()
        rows = body.objects("data_list", too_many=17024)
        made = [writes.created(form, row, next(self.numbers), now).data_id for row in rows]
        return {"status": "success", "success_count": len(made), "success_ids": made}

    def update(self, body: Body) -> Values:
        form = self.form(body)
        record = self.record(form, body.hex_id("data_id"))
        writes.updated(form, record, body.object("data"), self.context.clock())
        return {"data": self.shown(form, record)}

    def batch_update(self, body: Body) -> Values:
        """The same values for all; lines of subforms cannot be among them."""
        form, data = self.form(body), body.object("data")
        if any((field := form.find(name)) and field.type == "subform" for name in data):
            raise JdyError(17032)
        records = [self.record(form, one) for one in body.ids("data_ids", too_many=17023)]
        for record in records:
            writes.updated(form, record, data, self.context.clock())
        return {"status": "success", "success_count": len(records)}

    def delete(self, body: Body) -> Values:
        form = self.form(body)
        del form.records[self.record(form, body.hex_id("data_id")).data_id]
        return {"status": "success"}

    def batch_delete(self, body: Body) -> Values:
        form = self.form(body)
        gone = [one for one in body.ids("data_ids", too_many=17023) if form.records.pop(one, None)]
        return {"status": "success", "success_count": len(gone)}

    def form(self, body: Body) -> Form:
        found = self.forms.get(body.hex_id("entry_id"))
        if found is None:
            raise JdyError(3000)
        return found

    def record(self, form: Form, data_id: str) -> Record:
        if data_id not in form.records:
            raise JdyError(4001)
        return form.records[data_id]

    def shown(self, form: Form, record: Record, fields: list[str] | None = None) -> Values:
        """A record with the names that its fields have now; of those asked for, if any are."""
        system: Values = {
            "creator": member("小简", "xiaojian"),
            "updater": member("小简", "xiaojian"),
            "createTime": moment(record.created_at),
            "updateTime": moment(record.updated_at),
        }
        if record.flow_state is not None:
            system["flowState"] = record.flow_state
        if fields is None:
            system |= {"deleter": None, "deleteTime": None, "formName": form.name}
        else:
            system = {name: value for name, value in system.items() if name in fields}
        wanted = form.fields
        if fields is not None:
            wanted = [field for field in wanted if {field.key, field.alias} & set(fields)]
        own = {"_id": record.data_id, "appId": self.app_id, "entryId": form.entry_id}
        return own | system | _named(wanted, record.values)


def _named(fields: list[Field], values: Values) -> Values:
    told: Values = {}
    for field in fields:
        if field.key not in values:
            continue
        value = values[field.key]
        if field.type == "subform" and value:
            value = [{"_id": line["_id"], **_named(field.items, line)} for line in value]
        told[field.name] = value
    return told


def _slice(body: Body, rows: list[Values]) -> list[Values]:
    skip, limit = body.number("skip", 0, 0), body.number("limit", MOST, 1, MOST)
    return rows[skip : skip + limit]


def header(scope: Scope, name: str) -> str:
    return str(dict(scope["headers"]).get(name.encode(), b"").decode("latin-1"))


def bearer(scope: Scope) -> str:
    """The key that a request carries."""
    scheme, _, key = header(scope, "authorization").partition(" ")
    return key if scheme == "Bearer" else ""


async def _content(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    more = True
    while more:
        message: Any = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


ENDPOINTS = {
    "/list": Endpoint(30, Simulator.apps),
    "/entry/list": Endpoint(30, Simulator.form_names),
    "/entry/widget/list": Endpoint(30, Simulator.widgets),
    "/entry/data/list": Endpoint(30, Simulator.listed),
    "/entry/data/get": Endpoint(30, Simulator.one),
    "/entry/data/create": Endpoint(20, Simulator.create),
    "/entry/data/update": Endpoint(20, Simulator.update),
    "/entry/data/delete": Endpoint(20, Simulator.delete),
    "/entry/data/batch_create": Endpoint(10, Simulator.batch_create),
    "/entry/data/batch_update": Endpoint(10, Simulator.batch_update),
    "/entry/data/batch_delete": Endpoint(10, Simulator.batch_delete),
}
