"""How a company would map this application: what its `tillgate.toml` says of the source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sandbox.jiandaoyun import words
from sandbox.jiandaoyun.forms import CUSTOMERS, DOMESTIC, OVERSEAS, PARTY, PAYMENT, REFUND, Form
from sandbox.jiandaoyun.ids import ACCOUNT

HEAD = f"sources.{ACCOUNT}"


def toml(forms: Mapping[str, Form]) -> str:
    """Keys of the source's table, then its customers and its two tables of orders."""
    currencies = _table({word: code for code, word in words.CURRENCIES.items()})
    return "\n".join(
        [
            f"currencies = {currencies}",
            *_customers(forms[CUSTOMERS]),
            *_domestic(forms[DOMESTIC]),
            *_overseas(forms[OVERSEAS]),
            "",
        ]
    )


def _customers(form: Form) -> Iterable[str]:
    kinds = _table({word: kind for kind, word in words.KINDS.items()})
    return [
        *_head("customers", form),
        'id = "customer_no"',
        'name = "name"',
        f'kind = {{ field = "{form.key("客户类型")}", words = {kinds} }}',
        'email = "email"',
        'phones = "mobile.phone"',
        'tier = "tier"',
        f'industry = "{form.key("行业")}"',
        f'custom = {{ owner = "owner.name", city = "{form.key("地址")}.city" }}',
        f"external_ids = {_table(_by_account(form, PARTY))}",
    ]


def _domestic(form: Form) -> Iterable[str]:
    amount = 'thousands = ",", currency_field = "currency"'
    return [
        *_head("orders", form),
        'id = "doc_no"',
        'number = "order_no"',
        'placed_at = "ordered_at"',
        'customer = "customer_no"',
        f'total = {{ field = "total", {amount} }}',
        f'refunded_amount = {{ field = "refunded", {amount} }}',
        f'status = [{{ field = "status", words = {_states()} }}]',
        'channel = "channel"',
        'custom = { city = "ship_to.city", sales = "sales[].name" }',
        *_links(form),
        'lines = { path = "lines[]", sku = "sku", name = "name", quantity = "qty", '
        f'unit_price = {{ field = "price", {amount} }}, '
        f'total = {{ field = "amount", {amount} }} }}',
    ]


def _overseas(form: Form) -> Iterable[str]:
    lines = form.labelled("Items")
    inner = {item.label: item.key for item in lines.items}
    amount = f'currency_field = "{form.key("Currency")}"'
    return [
        *_head("orders", form),
        f'id = "{form.key("Key")}"',
        f'number = "{form.key("Order no.")}"',
        f'placed_at = "{form.key("Ordered")}"',
        f'customer = "{form.key("Customer")}"',
        f'total = {{ field = "{form.key("Total")}", {amount} }}',
        f'status = [{{ field = "{form.key("Status")}", words = {_states()} }}]',
        f'channel = "{form.key("Paid through")}"',
        f'custom = {{ remark = "{form.key("Remark")}" }}',
        *_links(form),
        f'lines = {{ path = "{lines.key}[]", sku = "{inner["SKU"]}", '
        f'name = "{inner["Article"]}", quantity = "{inner["Quantity"]}", '
        f'unit_price = {{ field = "{inner["Unit price"]}", {amount} }}, '
        f'total = {{ field = "{inner["Amount"]}", {amount} }} }}',
    ]


def _head(kind: str, form: Form) -> list[str]:
    return [
        "",
        f"[[{HEAD}.{kind}]]  # {form.name}",
        f'table = "{form.entry_id}"',
        'created_at = "createTime"',
        'updated_at = "updateTime"',
    ]


def _links(form: Form) -> list[str]:
    return [
        f"payment_ids = {_table(_by_account(form, PAYMENT))}",
        f"refund_ids = {_table(_by_account(form, REFUND))}",
    ]


def _by_account(form: Form, before: str) -> dict[str, str]:
    """Account to the field with its ids, by alias where it has one."""
    held = [field for field in form.fields if field.label.startswith(before)]
    return {field.label.removeprefix(before): field.name for field in held}


def _states() -> str:
    return _table({word: state for state, word in words.STATES.items()})


def _table(values: Mapping[str, str]) -> str:
    """An inline table of texts."""
    pairs = (f"{_text(key)} = {_text(value)}" for key, value in values.items())
    return "{ " + ", ".join(pairs) + " }" if values else "{}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
