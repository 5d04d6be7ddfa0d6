"""`[documents]`: registered operations, and who is held to them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.strict import SettingsError


class DocumentsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`files` are manifests or folders of them, relative to the settings. `only` are the ids of
    clients that may ask nothing else; `partners`: so may whoever has a partner's token."""

    files: tuple[str, ...]
    only: tuple[str, ...] = ()
    partners: bool = False

    def __post_init__(self) -> None:
        if not self.files:
            raise ValueError("files: none is given")


def resolved_documents(
    documents: DocumentsSettings | None, folder: Path, knows_clients: bool
) -> DocumentsSettings | None:
    """With whole paths. SettingsError where nobody could be held to anything."""
    if documents is None:
        return None
    if (documents.only or documents.partners) and not knows_clients:
        raise SettingsError("documents: without [auth] no client is told from another")
    files = tuple(str(folder / name) for name in documents.files)
    return msgspec.structs.replace(documents, files=files)
