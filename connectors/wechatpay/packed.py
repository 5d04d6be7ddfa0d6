"""A bill as it was downloaded: perhaps gzipped, and known by its hash."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import BinaryIO, cast

from connectors.transport import MOST
from connectors.wechatpay.bill import BadBill

CHUNK = 1024 * 1024
GZIP = b"\x1f\x8b"


def opened(file: BinaryIO, sha1: str, most: int = MOST) -> BinaryIO:
    """The text of a downloaded bill, once it is known to be the one that WeChat announced.

    The announced hash is of the text; that of the gzipped file is taken too, since either proves
    it whole. Raises BadBill.
    """
    file.seek(0)
    packed = file.read(len(GZIP)) == GZIP
    file.seek(0)
    text = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file
    announced = sha1.lower()
    if announced != _sha1(text, most) and not (packed and announced == _sha1(file, most)):
        raise BadBill("the bill is not the one that was announced: its hash differs")
    text.seek(0)
    return text


def _sha1(file: BinaryIO, most: int) -> str:
    found, size = hashlib.sha1(usedforsecurity=False), 0
    file.seek(0)
    try:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            if (size := size + len(chunk)) > most:
                raise BadBill("the bill is larger than any can be")
    except (OSError, EOFError, zlib.error):
        raise BadBill("the bill's compression is damaged") from None
    return found.hexdigest()
