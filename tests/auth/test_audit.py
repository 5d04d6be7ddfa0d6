"""What the audit log says of tokens and of those who have none, over real HTTP."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import httpx
import pytest

from auth.audit.disk import Disk
from auth.audit.entry import Entry, Result
from auth.audit.sparing import LISTED, Sparing, neighbourhood
from tests.audit.logs import faults, settings, told
from tests.auth.gate import Gate
from tests.auth.test_embedded import Own, make
from tests.waiting import until

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Audited:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "audit"
        self.gate = Gate(folder, make(folder), audit=settings(self.folder))

    def entries(self, action: str) -> list[Entry]:
        """When the gateway has stopped."""
        assert faults(self.folder) == []
        return [entry for entry in told(self.folder) if entry.action == action]


@pytest.fixture
def audited(tmp_path: Path) -> Audited:
    return Audited(tmp_path)


def test_whoever_is_refused_is_told(audited: Audited) -> None:
    with audited.gate as gate:
        nobody = gate.ask(traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
        forged = gate.ask("e30.e30.e30", traceparent="00-nonsense-01")
    first, second = audited.entries("authenticate")
    assert (first.outcome, first.status, first.reason) == (Result.DENIED, 401, "NoCredentials")
    assert (first.ip, first.trace_id) == ("127.0.0.1", TRACE)
    assert first.request_id == nobody.headers["x-request-id"]
    assert (second.reason, second.trace_id) == ("InvalidToken", None)
    assert second.request_id == forged.headers["x-request-id"]


def test_a_secret_typed_as_an_id_is_written_nowhere(
    audited: Audited, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with audited.gate as gate, caplog.at_level(logging.INFO):
        own = Own(tmp_path, gate)
        assert own.secret is not None
        for path in ("token", "revoke", "introspect"):
            form = {"client_id": own.secret, "client_secret": own.secret, "token": "x"}
            assert own.post(path, form).status_code == 401
        assert own.asked(client_id="shop", secret="wrong").status_code == 401
    told = [*audited.entries("token"), *audited.entries("token_revoked")]
    assert [entry.principal and entry.principal.client_id for entry in told] == [None, "shop", None]
    (looked_up,) = audited.entries("token_looked_up")
    assert looked_up.principal is None
    fields = [getattr(record, "fields", {}) for record in caplog.records]
    assert [f["client"] for f in fields if f.get("event") == "client refused"] == [
        None,
        None,
        None,
        "shop",
    ]
    assert own.secret not in str(fields) + caplog.text
    logs = "".join(path.read_text() for path in audited.folder.rglob("*.jsonl"))
    assert logs
    assert own.secret not in logs


def test_tokens_are_told_from_issue_to_revocation(audited: Audited, tmp_path: Path) -> None:
    with audited.gate as gate:
        own = Own(tmp_path, gate)
        token = own.token(scope="orders:read")
        assert gate.ask(token).status_code == 200
        own.asked(secret="wrong")
        own.asked(scope="disputes:read")
        form = {"client_id": "shop", "client_secret": own.secret, "token": token}
        assert own.post("revoke", form).status_code == 200
        token_id = gate.ask(token)
    assert token_id.status_code in (200, 401)
    issued, wrong, greedy = audited.entries("token")
    assert (issued.outcome, issued.status) == (Result.ALLOWED, 200)
    assert issued.principal is not None
    assert (issued.principal.client_id, issued.principal.iss) == ("shop", gate.origin)
    assert (wrong.outcome, wrong.status, wrong.reason) == (Result.DENIED, 401, "invalid_client")
    assert (greedy.outcome, greedy.reason) == (Result.DENIED, "invalid_scope")
    (revoked,) = audited.entries("token_revoked")
    asked = audited.entries("query")[0]
    assert issued.token_jti == revoked.token_jti == asked.token_jti
    assert re.fullmatch(r"[\w-]{22}", str(issued.token_jti))
    text = "".join(path.read_text() for path in audited.folder.glob("*.jsonl"))
    assert token not in text
    assert str(own.secret) not in text


def test_somebody_who_goes_on_does_not_fill_the_disk(audited: Audited) -> None:
    with audited.gate as gate:
        for _ in range(LISTED + 20):
            assert gate.ask().status_code == 401
    assert len(audited.entries("authenticate")) == LISTED


def test_what_was_not_listed_is_counted_later() -> None:
    now = [0.0]
    sparing = Sparing(lambda: now[0])
    assert [sparing.count("a") for _ in range(LISTED + 2)] == [0] * LISTED + [None, None]
    assert sparing.count("b") == 0
    now[0] = 61.0
    assert [sparing.count("a"), sparing.count("a")] == [2, 0]


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_who_has_a_network_of_addresses_is_one(address: str, whose: str) -> None:
    assert neighbourhood(address) == whose


def ready(client: httpx.Client) -> tuple[int, str]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["status"]


def test_a_full_disk_closes_the_gateway_until_there_is_room(
    audited: Audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_full = [False]

    def sync(disk: Disk, handle: int) -> None:
        if is_full[0]:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Disk, "sync", sync)
    with audited.gate as gate:
        own = Own(tmp_path, gate)
        token = own.token(scope="orders:read")
        assert ready(gate.client) == (200, "ready")
        is_full[0] = True
        # The first to be refused is told that even this could not be written down.
        assert gate.ask().status_code == 503
        answer = gate.ask(token)
        assert answer.status_code == 503
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        assert answer.headers["retry-after"] == "1"
        assert own.asked(scope="orders:read").status_code == 503
        assert ready(gate.client) == (503, "the audit log cannot be written")
        assert gate.client.get("/healthz").status_code == 200
        is_full[0] = False
        until(lambda: ready(gate.client)[0] == 200)
        assert gate.ask(token).status_code == 200
    assert len(audited.entries("log_resumed")) == 1
    assert len(audited.entries("query")) == 1


def test_production_without_a_log_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "tillgate.audit"), Gate(tmp_path, make(tmp_path)):
        pass
    assert [r.message for r in caplog.records if r.name == "tillgate.audit"] == [
        "[audit] is not configured: nobody writes down who saw what"
    ]
    caplog.clear()
    with Audited(tmp_path).gate:
        pass
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
