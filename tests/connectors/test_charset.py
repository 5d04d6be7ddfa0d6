"""UTF-8 and GBK told apart, whole and damaged."""

from __future__ import annotations

import pytest

from connectors.charset import GB18030, UTF8, codec_of, text_of, utf8_of

TEXTS = (
    "业务失败",
    "交易不存在 TRADE_NOT_EXIST",
    '{"msg":"ノートブック"}',
    "镕㐀 乗歕",
    "全角１２３，、；",
    "emoji 🎁",
)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("codec", [UTF8, GB18030])
def test_a_text_in_either_is_read(text: str, codec: str) -> None:
    raw = text.encode(codec)
    assert (codec_of(raw), text_of(raw)) == (codec, text)
    assert utf8_of(raw) == text.encode()


def test_plain_bytes_are_not_copied() -> None:
    for raw in (b"", b"plain", "茶".encode()):
        assert utf8_of(raw) is raw


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("订单".encode()[:-1], "订\ufffd"),
        (
            "订单,乌龙茶,红茶".encode().replace("茶".encode(), b"\xe8\x8c"),
            "订单,乌龙\ufffd,红\ufffd",
        ),
        (b"\xff", "\ufffd"),
        (b'"\xb9"', '"\ufffd"'),
    ],
)
def test_what_neither_writes_is_utf8_with_damage(raw: bytes, text: str) -> None:
    assert text_of(raw) == text
    assert utf8_of(raw) == text.encode()
