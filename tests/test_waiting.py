"""Rules of the tests themselves: they wait for conditions, and replace only what is ours."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
WAITING = TESTS / "waiting.py"
MODULES = sorted(str(path.relative_to(TESTS)) for path in TESTS.rglob("*.py"))
STANDARD = frozenset(sys.stdlib_module_names)


def calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def place(path: Path, node: ast.Call) -> str:
    return f"{path.relative_to(TESTS.parent)}:{node.lineno}"


def sleeps(node: ast.Call) -> bool:
    """`asyncio.sleep(0)` only gives other tasks a turn."""
    function = ast.unparse(node.func)
    return function in ("time.sleep", "asyncio.sleep") and ast.unparse(node.args[0]) != "0"


def patches_the_standard_library(node: ast.Call) -> bool:
    """A module is shared by every thread of the process; an attribute of ours is not."""
    if not ast.unparse(node.func).endswith((".setattr", ".delattr")) or not node.args:
        return False
    target = node.args[0]
    if isinstance(target, ast.Constant):
        if target.value == "sys.stdin":
            return False  # The stream that a process is given, meant to be replaced.
        return not STANDARD.isdisjoint(str(target.value).split(".")[:-1])
    return ast.unparse(target).split(".")[0] in STANDARD


@pytest.mark.parametrize(
    "path", sorted(TESTS.rglob("*.py")), ids=lambda path: str(path.relative_to(TESTS))
)
def test_no_test_waits_for_a_fixed_time_or_patches_the_standard_library(path: Path) -> None:
    if path != WAITING:
        assert [place(path, node) for node in calls(path) if sleeps(node)] == []
    assert [place(path, node) for node in calls(path) if patches_the_standard_library(node)] == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("time.sleep(1)", True),
        ("asyncio.sleep(0.1)", True),
        ("asyncio.sleep(0)", False),
        ("monkeypatch.setattr(os, 'fsync', slow)", True),
        ("monkeypatch.setattr(asyncio, 'sleep', slow)", True),
        ("monkeypatch.setattr('auth.key_cache.asyncio.sleep', slow)", True),
        ("monkeypatch.setattr('auth.introspection.POSITIVE', 0.2)", False),
        ("monkeypatch.setattr(Disk, 'sync', slow)", False),
    ],
)
def test_the_rules_find_what_they_forbid(statement: str, found: bool) -> None:
    (node,) = [n for n in ast.walk(ast.parse(statement)) if isinstance(n, ast.Call)]
    assert (sleeps(node) or patches_the_standard_library(node)) is found
