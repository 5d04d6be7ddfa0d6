"""The keys of a `[sources.NAME]` table whose vendor is `salesforce`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from connectors.currency import MINOR_UNIT_DIGITS
from connectors.records import OrderState, Provider
from connectors.secret import Secret
from connectors.vendor import SourceSettings

LOGIN = "https://login.salesforce.com"
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VERSION = re.compile(r"[1-9]\d\.0")
_NEEDED = {"jwt_bearer": ("username", "private_key"), "client_credentials": ("client_secret",)}
CUSTOMER_FIELDS: dict[str, dict[str, str]] = {
    "Account": {"industry": "Industry"},
    "Contact": {"email": "Email"},
}
ORDER_FIELDS: dict[str, dict[str, str]] = {
    "Order": {"number": "OrderNumber", "total": "TotalAmount", "placed_at": "EffectiveDate"},
    "Opportunity": {"number": "Name", "total": "Amount", "placed_at": "CloseDate"},
}
_CUSTOMER_ATTRIBUTES = ("email", "tier", "industry", "status")
_ORDER_ATTRIBUTES = (
    "number",
    "total",
    "placed_at",
    "payment_status",
    "payment_channel",
    "refunded_amount",
)
# Field from an order to its customer, and the way back in a subquery where there is a standard one.
LINKS: dict[tuple[str, str], tuple[str, str | None]] = {
    ("Account", "Order"): ("AccountId", "Orders"),
    ("Account", "Opportunity"): ("AccountId", "Opportunities"),
    ("Contact", "Order"): ("BillToContactId", None),
    ("Contact", "Opportunity"): ("ContactId", None),
}
PAYMENT_CHANNELS = {
    "stripe": "STRIPE",
    "paypal": "PAYPAL",
    "alipay": "ALIPAY",
    "支付宝": "ALIPAY",
    "wechat": "WECHAT_PAY",
    "wechat pay": "WECHAT_PAY",
    "微信": "WECHAT_PAY",
    "微信支付": "WECHAT_PAY",
    "unionpay": "UNIONPAY",
    "银联": "UNIONPAY",
}
PAYMENT_STATUSES = {
    "unpaid": "PENDING_PAYMENT",
    "pending": "PENDING_PAYMENT",
    "pending_payment": "PENDING_PAYMENT",
    "partial": "PARTIALLY_PAID",
    "partially_paid": "PARTIALLY_PAID",
    "paid": "PAID",
    "fulfilled": "FULFILLED",
    "partially_refunded": "PARTIALLY_REFUNDED",
    "refunded": "REFUNDED",
}


class SalesforceSettings(SourceSettings, frozen=True, kw_only=True):
    """How to log in, and which fields of the organisation hold what.

    `customer_fields` and `order_fields` lead from a record's attribute to an API field;
    `customer_id_fields` and `order_payment_fields` from an API field to the source whose customer
    or payment id it holds; `states` from the CRM's own Status word to an `OrderState`;
    `payment_channels` from the word for a channel (several with semicolons) to a `Provider`;
    `order_refund_fields` from an API field to the source whose refund's number it holds;
    `person_types` are the values of Account.Type that are people. `currency` is for organisations
    with a single one, which have no field CurrencyIsoCode.
    """

    auth: Literal["jwt_bearer", "client_credentials"]
    client_id: str
    client_secret: Secret | None = None
    username: str | None = None
    private_key: Secret | None = None
    audience: str | None = None
    api_version: str = "65.0"
    customer_object: Literal["Account", "Contact"] = "Account"
    order_object: Literal["Order", "Opportunity"] = "Order"
    orders_relationship: str | None = None
    order_customer_field: str | None = None
    currency: str | None = None
    customer_fields: Mapping[str, str] = {}
    order_fields: Mapping[str, str] = {}
    custom_fields: Mapping[Literal["customer", "order"], tuple[str, ...]] = {}
    customer_id_fields: Mapping[str, str] = {}
    order_payment_fields: Mapping[str, str] = {}
    order_refund_fields: Mapping[str, str] = {}
    payment_channels: Mapping[str, str] = msgspec.field(default_factory=lambda: PAYMENT_CHANNELS)
    states: Mapping[str, str] = {}
    payment_statuses: Mapping[str, str] = msgspec.field(default_factory=lambda: PAYMENT_STATUSES)
    person_types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in _NEEDED[self.auth]:
            if getattr(self, key) is None:
                raise ValueError(f"{key}: needed for auth {self.auth!r}")
        if not _VERSION.fullmatch(self.api_version):
            raise ValueError("api_version: two digits and .0, such as 65.0")
        if self.currency is not None and self.currency not in MINOR_UNIT_DIGITS:
            raise ValueError("currency: not an ISO 4217 code")
        _check_attributes("customer_fields", self.customer_fields, _CUSTOMER_ATTRIBUTES)
        _check_attributes("order_fields", self.order_fields, _ORDER_ATTRIBUTES)
        for key, name in self._identifiers():
            if not _IDENTIFIER.fullmatch(name):
                raise ValueError(f"{key}: {name[:64]!r} is not the API name of a field")
        for key in ("states", "payment_statuses"):
            for word, state in getattr(self, key).items():
                if state not in OrderState.__members__:
                    raise ValueError(f"{key}: {word!r} leads to {state!r}, which is no order state")

        for word, provider in self.payment_channels.items():
            if provider not in Provider.__members__:
                raise ValueError(f"payment_channels: {word!r} leads to {provider!r}, no provider")

    def _identifiers(self) -> Iterator[tuple[str, str]]:
        """Every name that will stand in a query, with the key it comes from."""
        groups: dict[str, Iterable[str]] = {
            "customer_fields": self.customer_fields.values(),
            "order_fields": self.order_fields.values(),
            "customer_id_fields": self.customer_id_fields,
            "order_payment_fields": self.order_payment_fields,
            "order_refund_fields": self.order_refund_fields,
            "orders_relationship": filter(None, [self.orders_relationship]),
            "order_customer_field": filter(None, [self.order_customer_field]),
            **{f"custom_fields.{kind}": names for kind, names in self.custom_fields.items()},
        }
        return ((key, name) for key, names in groups.items() for name in names)

    @property
    def login_url(self) -> str:
        return (self.base_url or LOGIN).rstrip("/")

    @property
    def login_audience(self) -> str:
        """The `aud` of an assertion: a login host or My Domain names itself."""
        parts = urlsplit(self.login_url)
        own = (parts.hostname or "").endswith(".salesforce.com")
        return self.audience or (f"{parts.scheme}://{parts.netloc}" if own else LOGIN)

    @property
    def customer_map(self) -> dict[str, str]:
        """Attribute to API field: the object's own, with what is configured laid over."""
        return {**CUSTOMER_FIELDS[self.customer_object], **self.customer_fields}

    @property
    def order_map(self) -> dict[str, str]:
        """As `customer_map`, for orders."""
        return {**ORDER_FIELDS[self.order_object], **self.order_fields}

    @property
    def customer_field(self) -> str:
        """The field of an order that holds its customer's id."""
        return self.order_customer_field or LINKS[self.customer_object, self.order_object][0]

    @property
    def relationship(self) -> str | None:
        """The name under which a customer's orders are selected."""
        return self.orders_relationship or LINKS[self.customer_object, self.order_object][1]


def _check_attributes(key: str, given: Iterable[str], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"{key}: {name!r} is not one of {', '.join(known)}")
