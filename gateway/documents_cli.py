"""`tillgate documents check FILE`: whether registered operations can be answered."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from gateway.trusted_documents import checked, registered
from schema.build import build_schema
from schema.documents import Documents
from schema.limits import OperationLimits


def add_documents(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("documents", help="registered operations")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read manifests, and validate what they hold")
    check.add_argument("files", nargs="+", metavar="FILE", help="manifests, or folders of them")
    check.set_defaults(command=documents_check)


def documents_check(arguments: argparse.Namespace) -> int:
    """Raises SettingsError for the first operation that is not valid."""
    for line in lines(arguments.files):
        sys.stdout.write(line + "\n")
    return 0


def lines(files: Iterable[str]) -> list[str]:
    documents = Documents(build_schema(), OperationLimits(), introspection=True, federation=True)
    texts = checked(list(registered(tuple(files))), documents)
    return [f"{len(texts)} operations are valid"]
