"""The signature of a request for a token (https://open.yonyoucloud.com, "self-built app token").

All parameters but the signature, sorted by name, each name followed by its value, under HMAC-SHA256
with the app's secret, in base64. In the address it is URL-encoded like any other parameter.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping

from connectors.secret import Secret


def signature(parameters: Mapping[str, str], secret: Secret) -> str:
    told = "".join(name + parameters[name] for name in sorted(parameters))
    return b64encode(hmac.digest(secret.reveal().encode(), told.encode(), hashlib.sha256)).decode()
