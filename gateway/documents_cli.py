"""`tillgate documents check FILE`: whether registered operations can be answered."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from gateway.commands import Command
from gateway.trusted_documents import checked, registered
from schema.build import build_schema
from schema.documents import Documents
from schema.limits import OperationLimits


def documents_check(arguments: argparse.Namespace) -> int:
    """Raises SettingsError for the first operation that is not valid."""
    for line in lines(arguments.files):
        print(line)
    return 0


def lines(files: Iterable[str]) -> list[str]:
    documents = Documents(build_schema(), OperationLimits(), introspection=True, federation=True)
    texts = checked(list(registered(tuple(files))), documents)
    return [f"{len(texts)} operations are valid"]


def _of_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="manifests, or folders of them")


DOCUMENTS = Command(
    name="documents",
    summary="registered operations",
    actions=(
        Command(
            name="check",
            summary="read manifests, and validate what they hold",
            run=documents_check,
            options=(_of_check,),
        ),
    ),
)
