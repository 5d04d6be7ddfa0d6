"""The rooms of the project: who may import whom, and what stays in one place."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = frozenset(
    {"auth", "benchmarks", "connectors", "gateway", "resolvers", "sandbox", "schema", "tests"}
)
MAY_IMPORT: dict[str, frozenset[str]] = {
    "connectors": frozenset(),
    "auth": frozenset(),
    "sandbox": frozenset(),
    "resolvers": frozenset({"connectors", "auth"}),
    # A type of the schema describes a record: records and their vocabularies are of `connectors`.
    "schema": frozenset({"resolvers", "auth", "connectors"}),
    "gateway": ROOMS - {"benchmarks", "tests"},
    "benchmarks": ROOMS,
    "tests": ROOMS,
}
PRODUCT = ("auth", "connectors", "gateway", "resolvers", "schema")
HOME = {
    "httpx": ("connectors/transport.py", "benchmarks/", "tests/"),
    "httpx_aiohttp": ("connectors/transport.py", "benchmarks/", "tests/"),
    "aiohttp": ("connectors/transport.py", "benchmarks/", "tests/"),
    "aiodataloader": ("resolvers/loading.py", "benchmarks/", "tests/"),
    "sqlalchemy": (
        "resolvers/store.py",
        "resolvers/link_store.py",
        "resolvers/index/store.py",
        "resolvers/index/entries.py",
        "resolvers/index/slice.py",
        "resolvers/index/coverage.py",
        "resolvers/tombstones.py",
        "resolvers/lost_tombstones.py",
        "resolvers/sealed_secrets.py",
        "resolvers/erasure.py",
        "resolvers/migrations/",
        # Rooms import downwards: what tokens need of the store is read where it is used.
        "auth/database.py",
        "auth/revocations.py",
        "auth/seen.py",
        "auth/embedded/clients.py",
        "tests/",
    ),
    # What lies on a disk is declared in gateway/holdings.py, and enciphered if it may be personal.
    "tempfile": (
        "connectors/hidden_file.py",
        "connectors/unionpay/client.py",
        "gateway/cli.py",
        "benchmarks/",
        "tests/",
    ),
    "alembic": ("resolvers/store.py", "resolvers/migrations/"),
    "redis": ("auth/budget/shared.py", "tests/"),
    "cryptography": (
        "connectors/rsa.py",
        "connectors/",
        "auth/certificate.py",
        "auth/sealing.py",
        "auth/audit/keys.py",
        "sandbox/",
        "tests/",
    ),
}
PRINTERS = (
    "gateway/audit_cli.py",
    "gateway/cli.py",
    "gateway/clients_cli.py",
    "gateway/commands.py",
    "gateway/demo.py",
    "gateway/documents_cli.py",
    "gateway/encryption_cli.py",
    "gateway/index_cli.py",
    "gateway/subject_cli.py",
    "sandbox/",
    "benchmarks/",
    "tests/",
)
NO_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "base", "misc"})
INDEX = re.compile(
    r"--(?:extra-)?index-url|--find-links|--trusted-host|pypi\.|registry\.|\"resolved\"|\.tgz|\.whl"
)


def files() -> list[Path]:
    return [
        path
        for room in sorted(ROOMS)
        for path in sorted((ROOT / room).rglob("*.py"))
        if "node_modules" not in path.parts
    ]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Full names of all modules that are imported anywhere in the file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name(path).removesuffix(".py").split("/")
            above = package[: len(package) - node.level] if node.level else []
            yield ".".join([*above, *([node.module] if node.module else [])])


def calls(path: Path) -> Iterator[str]:
    """What is called, as it is written."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_every_room_is_there_and_nothing_else() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {path.split("/")[0] for path in listed} == ROOMS
    assert set(MAY_IMPORT) == ROOMS


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_what_it_may(room: str) -> None:
    strangers = [
        f"{name(path)} imports {module}"
        for path in files()
        if name(path).startswith(f"{room}/")
        for module in imported(path)
        if module.split(".")[0] in ROOMS - MAY_IMPORT[room] - {room}
    ]
    assert strangers == []


@pytest.mark.parametrize("library", sorted(HOME))
def test_a_library_is_known_in_one_place(library: str) -> None:
    users = {name(p) for p in files() if library in {m.split(".")[0] for m in imported(p)}}
    assert [user for user in sorted(users) if not user.startswith(HOME[library])] == []
    assert HOME[library][0] in users


def test_no_module_imports_by_a_computed_name() -> None:
    product = [path for path in files() if name(path).startswith(PRODUCT)]
    assert [
        name(p) for p in product if {"__import__", "importlib.import_module"} & set(calls(p))
    ] == []


def test_the_environment_is_read_in_the_gateway_only() -> None:
    readers = {
        name(path)
        for path in files()
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {"environ", "getenv"} & {alias.name for alias in node.names}
        )
    }
    assert [
        r for r in sorted(readers) if not r.startswith(("gateway/", "benchmarks/", "tests/"))
    ] == []


def test_money_is_never_a_float() -> None:
    exact = [ROOT / "connectors/money.py", *sorted((ROOT / "connectors").glob("*/mapping.py"))]
    assert len(exact) >= 3
    assert [name(path) for path in exact if "float" in set(calls(path))] == []
    for path in exact:
        floats = [
            node
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, float)
        ]
        assert floats == [], name(path)


def test_only_the_command_line_prints() -> None:
    printers = {name(path) for path in files() if "print" in set(calls(path))}
    assert [printer for printer in sorted(printers) if not printer.startswith(PRINTERS)] == []


def test_every_module_has_a_name_that_says_something() -> None:
    parts = {part.removesuffix(".py") for path in files() for part in name(path).split("/")}
    assert parts & NO_NAMES == set()


def test_every_module_says_what_it_is() -> None:
    silent = [p for p in files() if p.name != "__init__.py" and not ast.get_docstring(tree(p))]
    assert [name(path) for path in silent] == []


def test_the_locks_name_no_index() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    locks = [
        path
        for path in listed
        if re.fullmatch(r"requirements.*\.lock", path) or path.endswith("package-lock.json")
    ]
    assert {"requirements.lock", "requirements-dev.lock"} <= set(locks)
    for path in locks:
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        told = [line for line in lines if INDEX.search(line)]
        assert told == [], path
