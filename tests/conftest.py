"""What all tests share."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("connectors.conformance", "connectors.conformance_kit")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
