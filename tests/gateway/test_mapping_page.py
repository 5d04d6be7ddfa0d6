"""The mapping that docs/mapping.md shows is one that is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from connectors.mapping import MappedSettings
from connectors.registry import Registry
from gateway.settings import parse
from gateway.strict import Reader

PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"
LOGIN = """
base_url = "https://erp.acme.example/k3cloud/"
acct_id = "1"
username = "u"
app_id = "204399_Q1lYQQpSTVgRG1FfXVZZTE9DXAATUhAS"
app_secret = { env = "SECRET" }
"""
PROVIDERS = """
[sources.stripe_eu]
vendor = "stripe"
key = { env = "SECRET" }

[sources.wechat_cn]
vendor = "stripe"
key = { env = "SECRET" }
"""


def test_the_page_shows_a_mapping_that_is_read() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    text = shown.replace('vendor = "kingdee"\n', f'vendor = "kingdee"{LOGIN}') + PROVIDERS
    erp: Any = parse(text, Registry(), Reader({"SECRET": "s"})).sources["erp"]
    assert isinstance(erp, MappedSettings)
    (customers,), (orders,) = erp.mapping.customers, erp.mapping.orders
    assert (customers.id, customers.name) == ("FCUSTID", "FName"), "laid over the preset"
    assert orders.number == "FBillNo"
    assert [status.field for status in orders.status] == ["FCancelStatus", "F_ACME_Pay"]
    assert orders.lines is not None
    assert erp.mapping.receipts[0].payment_ids == {"stripe_eu": "FTHIRDBILLNO"}
