"""Manifests of registered operations: read strictly, or the gateway does not start."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from auth.principal import Principal
from connectors.registry import Registry
from gateway.cli import main
from gateway.documents_settings import DocumentsSettings
from gateway.settings import parse
from gateway.strict import Reader, SettingsError
from gateway.trusted_documents import TrustedDocuments, checked, registered
from schema.build import build_schema
from schema.documents import Documents
from schema.execution import Operation, Outcome
from schema.limits import OperationLimits

ORDERS = "query Orders { orders { nodes { number } } }"
TYPENAME = "{ __typename }"
SOURCE = '[sources.stripe_eu]\nvendor = "stripe"\nkey = { env = "KEY" }\n'


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def apollo(*operations: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": list(operations),
    } | changes


@pytest.fixture(scope="module")
def documents() -> Documents:
    return Documents(build_schema(), OperationLimits(), introspection=False, federation=False)


def read(path: Path, documents: Documents) -> dict[str, str]:
    return checked(list(registered((str(path),))), documents)


def written(folder: Path, manifest: object) -> Path:
    path = folder / "operations.json"
    path.write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    return path


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param({sha(ORDERS): ORDERS}, id="relay, codegen"),
        pytest.param({f"sha256:{sha(ORDERS)}": ORDERS}, id="prefixed"),
        pytest.param(
            apollo({"id": sha(ORDERS), "body": ORDERS, "name": "Orders", "type": "query"}),
            id="apollo",
        ),
    ],
)
def test_the_manifests_that_tools_write_are_read(
    tmp_path: Path, documents: Documents, manifest: object
) -> None:
    assert read(written(tmp_path, manifest), documents) == {sha(ORDERS): ORDERS}


def test_a_folder_holds_manifests_and_documents(tmp_path: Path, documents: Documents) -> None:
    written(tmp_path, {"orders-1": ORDERS})
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "typename.graphql").write_text(TYPENAME)
    (tmp_path / "README.md").write_text("not one of them")
    assert read(tmp_path, documents) == {"orders-1": ORDERS, sha(TYPENAME): TYPENAME}


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ("{", "operations.json: not JSON"),
        ([ORDERS], "operations.json: no manifest of operations"),
        ({"a": 1}, "operations.json: an operation is an id and its text"),
        ({"": ORDERS}, "operations.json: an operation is an id and its text"),
        (apollo({"id": "a"}), "operations.json: an operation is an id and its text"),
        (apollo(version=2), "operations.json: expected the format"),
        ({"format": "other", "operations": []}, "operations.json: expected the format"),
        ({"a1": "{ nothing }"}, "operations.json: operation a1: Cannot query field"),
        ({"a1": "{"}, "operations.json: operation a1: Syntax Error"),
        ({sha(TYPENAME): ORDERS}, "its id is not the SHA-256 of its text"),
        (
            {"sha256:a": ORDERS, "a": TYPENAME},
            "operations.json: operation a: another operation has this id",
        ),
    ],
)
def test_what_is_no_good_manifest_is_told_by_file_and_operation(
    tmp_path: Path, documents: Documents, manifest: object, told: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(written(tmp_path, manifest), documents)
    assert told in str(caught.value)


def test_what_is_not_there_is_told(tmp_path: Path, documents: Documents) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(SettingsError, match=r"cannot be read|no operations"):
            read(path, documents)


def who(client: str, partner: str | None = None) -> Principal:
    return Principal(issuer="https://as", client_id=client, subject="s", partner=partner)


@pytest.mark.parametrize(
    ("only", "partners", "principal", "held"),
    [
        ((), False, who("shop"), False),
        (("shop",), False, who("shop"), True),
        (("shop",), False, who("other"), False),
        ((), True, who("other", "p"), True),
        ((), True, who("other"), False),
        ((), True, None, True),
        ((), False, None, False),
    ],
)
def test_who_is_held_to_registered_operations(
    tmp_path: Path,
    documents: Documents,
    only: tuple[str, ...],
    partners: bool,
    principal: Principal | None,
    held: bool,
) -> None:
    path = written(tmp_path, {"orders": ORDERS})
    settings = DocumentsSettings(files=(str(path),), only=only, partners=partners)
    trusted = TrustedDocuments(settings, documents)

    def answered(operation: Operation) -> bool:
        return not isinstance(trusted.resolved(operation, principal, "r"), Outcome)

    assert answered(Operation(ORDERS))
    assert answered(Operation("", document_id="orders"))
    assert answered(Operation(TYPENAME)) is not held
    assert answered(Operation(ORDERS + " ")) is not held
    assert not answered(Operation("", document_id="unknown"))


def test_unknown_and_not_registered_are_refused_alike(tmp_path: Path, documents: Documents) -> None:
    path = written(tmp_path, {"orders": ORDERS})
    trusted = TrustedDocuments(DocumentsSettings(files=(str(path),), only=("shop",)), documents)
    unknown = trusted.resolved(Operation("", document_id="x"), who("shop"), "r")
    other = trusted.resolved(Operation("{ nothing }"), who("shop"), "r")
    assert unknown == other
    assert isinstance(unknown, Outcome)
    assert unknown.body["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_files_are_relative_to_the_settings(tmp_path: Path) -> None:
    text = '[documents]\nfiles = ["operations.json"]\n' + SOURCE
    settings = parse(text, Registry(), Reader({"KEY": "sk"}, tmp_path))
    assert settings.documents is not None
    assert settings.documents.files == (str(tmp_path / "operations.json"),)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("files = []", "documents.files: none is given"),
        ('files = ["a"]\nonly = ["shop"]', "documents: without [auth] no client is told"),
        ('files = ["a"]\npartners = true', "documents: without [auth] no client is told"),
        ('files = ["a"]\nclients = []', "documents.clients: unknown key"),
    ],
)
def test_settings_that_hold_nobody_are_refused(table: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(f"[documents]\n{table}\n{SOURCE}", Registry(), Reader({"KEY": "sk"}))
    assert told in str(caught.value)


def test_the_command_checks_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, {"orders": ORDERS})
    assert main(["documents", "check", str(path)]) == 0
    assert capsys.readouterr().out == "1 operations are valid\n"
    written(tmp_path, {"orders": "{ nothing }"})
    assert main(["documents", "check", str(path)]) == 2
    assert "operation orders: Cannot query field" in capsys.readouterr().err
