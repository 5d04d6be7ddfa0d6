"""PayPal's ids, and the apps that may log in: made up from the seed, so a restart keeps them."""

from __future__ import annotations

import hashlib
import random
import string

from sandbox.simulator import Context, Credentials
from sandbox.world import Account

ALPHABET = string.digits + string.ascii_uppercase
LENGTH = 17


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """An id of the world. A dispute's is a serial number, all others look alike."""
    if kind == "dispute":
        return f"PP-D-{40_000 + index}"
    return "".join(rng.choices(ALPHABET, k=LENGTH))


def derived(*parts: object, length: int = LENGTH, alphabet: str = ALPHABET) -> str:
    """The same id for the same parts."""
    seed = "\x1f".join(str(part) for part in parts).encode()
    number = int.from_bytes(hashlib.sha512(seed).digest())
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(alphabet))
        digits.append(alphabet[digit])
    return "".join(digits)


def client(context: Context, account: str, app: str) -> tuple[str, str]:
    """Client id and secret of an app of the account: `whole` may do everything, `payments` may
    neither search transactions nor see disputes.
    """
    letters = string.ascii_letters + string.digits
    client_id, secret = (
        derived(context.seed, account, app, part, length=79, alphabet=letters)
        for part in ("client", "secret")
    )
    return "A" + client_id, "E" + secret


def credentials(context: Context, accounts: tuple[Account, ...]) -> Credentials:
    """What a gateway needs for each account."""
    made = {}
    for account in accounts:
        client_id, secret = client(context, account.name, "whole")
        made[account.name] = {
            "base_url": f"{context.origin}/paypal",
            "client_id": client_id,
            "client_secret": secret,
        }
    return made
