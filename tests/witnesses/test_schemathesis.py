"""schemathesis, which makes up operations from a partner's own schema, good ones and bad ones."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.demo_clients import ROLES
from schema.build import build_schema
from tests.serving import GatewayServer

PARTNER = frozenset({"authenticated", *(f"scope:{scope}" for scope in ROLES["partner"])})
ACCEPT = "application/graphql-response+json"
SECONDS = 120
CLIENTS_FAULT = {
    "BAD_CURSOR",
    "BAD_FILTER",
    "BAD_FIRST",
    "BAD_ID",
    "BAD_USER_INPUT",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "MAX_ALIASES_LIMIT",
    "MAX_CHARACTERS_LIMIT",
    "MAX_DEPTH_LIMIT",
    "MAX_FIELDS_LIMIT",
    "MAX_ROOT_FIELDS_LIMIT",
}
SOURCES_REFUSAL = "UPSTREAM_REJECTED"
"""A simulated vendor refuses a reference that no merchant could have given."""


class Answer(msgspec.Struct, frozen=True):
    status: int
    type: str
    text: str

    @property
    def codes(self) -> list[str]:
        errors = msgspec.json.decode(self.text).get("errors", ())
        return [error["extensions"]["code"] for error in errors]


def answers(folder: Path, gateway: GatewayServer, token: str, mode: str) -> list[Answer]:
    """Of `st run`, which begins with the same dice each time."""
    schema, log = folder / "partner.graphql", folder / "log.har"
    schema.write_text(build_schema().sdl_for(PARTNER))
    command = [str(Path(sys.executable).parent / "st"), "run", str(schema)]
    command += ["--url", f"{gateway.origin}/graphql", "--report-har-path", str(log)]
    command += ["-H", f"Authorization: Bearer {token}", "-H", f"Accept: {ACCEPT}"]
    command += ["--seed", "1", "-n", "60", "-m", mode, "--generation-database", "none"]
    # Two of its checks take every error for one of the server, and every text for a good id. What
    # the errors are is looked at here.
    command += ["--exclude-checks", "not_a_server_error,positive_data_acceptance", "--no-color"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, encoding="utf-8", timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    entries: list[Any] = msgspec.json.decode(log.read_bytes())["log"]["entries"]
    return [
        Answer(
            status=entry["response"]["status"],
            type=entry["response"]["content"]["mimeType"],
            text=entry["response"]["content"]["text"],
        )
        for entry in entries
    ]


def check(answer: Answer) -> None:
    """A GraphQL answer, and nothing that went wrong here."""
    assert answer.status in (200, 400), answer
    assert answer.type == f"{ACCEPT}; charset=utf-8"
    body = msgspec.json.decode(answer.text)
    assert isinstance(body, dict)
    assert ("data" in body) is (answer.status == 200)
    assert body.keys() <= {"data", "errors", "extensions"}
    assert body.get("errors") != []
    assert set(answer.codes) <= CLIENTS_FAULT | {SOURCES_REFUSAL}, answer.text


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_answer_is_one_of_graphql_and_no_fault_of_ours(
    guarded: GatewayServer, partner: str, tmp_path: Path, mode: str
) -> None:
    found = answers(tmp_path, guarded, partner, mode)
    assert len(found) >= 100
    for answer in found:
        check(answer)
    codes = Counter(code for answer in found for code in answer.codes)
    if mode == "positive":
        # What its own schema allows is allowed.
        assert codes["GRAPHQL_VALIDATION_FAILED"] == 0
        assert sum(not answer.codes for answer in found) > 10
    else:
        assert codes["GRAPHQL_VALIDATION_FAILED"] > 50
