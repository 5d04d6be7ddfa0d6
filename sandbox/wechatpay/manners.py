"""How the simulated WeChat Pay behaves besides correctly; a test may change it while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Signs = Literal["well", "wrong", "probe", "not", "stranger"]


def untouched(text: bytes) -> bytes:
    return text


def as_it_is(content: Any) -> Any:
    return content


@dataclass(slots=True)
class Manners:
    """`signs`: how answers are signed; `off`: seconds by which their time is wrong.

    `certificate`: which of the platform certificates signs where no public key is asked for, the
    last of them being one that has expired. `public_key_only`: a merchant without certificates.
    `announced` and `delivered` change a bill's text before and after its hash is taken.
    `creating`: bills are still being made. `told` changes what an answer says before it is signed.
    """

    signs: Signs = "well"
    off: int = 0
    certificate: int = 0
    public_key_only: bool = False
    announced: Callable[[bytes], bytes] = untouched
    delivered: Callable[[bytes], bytes] = untouched
    creating: bool = False
    told: Callable[[Any], Any] = as_it_is
