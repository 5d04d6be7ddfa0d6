"""Nobody but this machine is listened to."""

from __future__ import annotations

import socket

import pytest

from gateway.server import Refusal, check_address, listen


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_is_accepted(host: str) -> None:
    check_address(host)


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",  # noqa: S104
        "::",
        "",
        "10.0.0.1",
        "192.168.1.1",
        "8.8.8.8",
        "::ffff:10.0.0.1",
        "fe80::1",
        "localhost.example.com",
        "example.com",
        "0x7f000001",
        "2130706433",
        "127.0.0.1:80",
        " 127.0.0.1",
    ],
)
def test_anything_else_is_refused_with_the_reason(host: str) -> None:
    with pytest.raises(Refusal, match=r"server\.host: .* is not a loopback address"):
        check_address(host)
    with pytest.raises(Refusal):
        listen(host, 0)


def test_port_zero_takes_a_free_one_and_a_taken_one_is_refused() -> None:
    with listen("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()
        assert (host, port > 0) == ("127.0.0.1", True)
        listener.listen()
        with pytest.raises(Refusal, match=f"cannot listen on 127.0.0.1:{port}: Address already"):
            listen("127.0.0.1", port)


def test_the_other_loopback_is_listened_to_as_well() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with listen("::1", 0) as listener:
        assert listener.getsockname()[0] == "::1"
