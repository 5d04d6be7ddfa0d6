"""What all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

# The same examples in every run, and no clock; `--hypothesis-profile explore` looks for others.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("same")

pytest.register_assert_rewrite("connectors.conformance", "connectors.conformance_kit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="the whole fault matrix, for an hour")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
