"""Form-encoded parameters with brackets, as queries and bodies carry them to Stripe."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from sandbox.stripe.errors import StripeError, invalid, missing_parameter, unknown_parameter

Params = dict[str, Any]
PARTS = re.compile(r"\[([^\]]*)\]")
BOUNDS = ("gt", "gte", "lt", "lte")
METADATA_KEYS, METADATA_KEY, METADATA_VALUE = 50, 40, 500


def decode(text: str) -> Params:
    """`a[b]=1&expand[]=x&expand[1]=y` to nested dictionaries and lists."""
    params: Params = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:
        raise StripeError(400, "Invalid request: the parameters are not form-encoded.") from error
    for name, value in pairs:
        put(params, name, value)
    return {key: value if key == "metadata" else listed(value) for key, value in params.items()}


def put(params: Params, name: str, value: str) -> None:
    head, *path = [name.split("[", 1)[0], *PARTS.findall(name)]
    node: Params = params
    for part in path:
        below = node.setdefault(head, {})
        if not isinstance(below, dict):
            raise invalid(f"Invalid object: {name}", name)
        node, head = below, part or str(len(below))
    node[head] = value


def listed(value: Any) -> Any:
    """A dictionary whose keys are 0, 1, 2... is a list."""
    if not isinstance(value, dict):
        return value
    inner = {key: listed(item) for key, item in value.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def only(params: Params, allowed: Iterable[str]) -> None:
    for name in params:
        if name not in allowed:
            raise unknown_parameter(name)


def text(params: Params, name: str) -> str | None:
    """A string parameter; an empty one is an error, as with Stripe."""
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {value}", name)
    if not value:
        message = f"You passed an empty string for '{name}'. We assume empty values are an attempt"
        raise invalid(f"{message} to unset a parameter; however '{name}' cannot be unset.", name)
    return value


def required(params: Params, name: str) -> str:
    value = text(params, name)
    if value is None:
        raise missing_parameter(name)
    return value


def integer(value: Any, name: str) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    return int(value)


def boolean(params: Params, name: str) -> bool:
    value = params.get(name, "false")
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", name)
    return bool(value == "true")


def choice(params: Params, name: str, options: tuple[str, ...]) -> str | None:
    value = text(params, name)
    if value is not None and value not in options:
        *most, last = options
        listing = f"{', '.join(most)}, or {last}"
        raise invalid(f"Invalid {name}: must be one of {listing}", name)
    return value


def limit(params: Params) -> int:
    """1 to 100, 10 unless given."""
    number = integer(params.get("limit", "10"), "limit")
    if number < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", "limit", "parameter_invalid_integer"
        )
    if number > 100:
        message = f"This value must be less than or equal to 100 (it currently is '{number}')."
        raise invalid(message, "limit", "parameter_invalid_integer")
    return number


def span(params: Params) -> tuple[int, int]:
    """`created` as a half-open range of seconds."""
    value = params.get("created")
    low, high = 0, 1 << 62
    if value is None:
        return low, high
    if not isinstance(value, dict):
        exact = integer(value, "created")
        return exact, exact + 1
    for bound, raw in value.items():
        if bound not in BOUNDS:
            raise unknown_parameter(f"created[{bound}]")
        number = integer(raw, f"created[{bound}]") + (bound in ("gt", "lte"))
        low, high = (max(low, number), high) if bound[0] == "g" else (low, min(high, number))
    return low, high


def expansions(params: Params) -> list[str]:
    value = params.get("expand", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid("Invalid array", "expand")
    return value


def metadata(params: Params) -> dict[str, str]:
    """Strings only, at most 50 keys of 40 characters with values of 500."""
    value = params.get("metadata") or {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise invalid("Invalid object", "metadata")
    if len(value) > METADATA_KEYS:
        raise invalid("Metadata can have at most 50 keys.", "metadata")
    for key, item in value.items():
        if len(key) > METADATA_KEY or len(item) > METADATA_VALUE:
            raise invalid(f"Metadata key or value too long: {key}", "metadata")
    return dict(value)
