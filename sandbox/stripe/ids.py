"""Stripe's ids and keys: prefixes, the world's native ids, and ids derived from them."""

from __future__ import annotations

import hashlib
import random
import string

from sandbox.simulator import Context, Credentials
from sandbox.world import Account

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# The kinds of the world as Stripe spells them: prefix, and how many characters follow.
SPELLING = {
    "customer": ("cus_", 14),
    "payment": ("pi_3", 23),
    "refund": ("re_3", 23),
    "dispute": ("dp_1", 23),
}


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """An id of the world; the index is not shown, as with Stripe."""
    prefix, length = SPELLING[kind]
    return prefix + "".join(rng.choices(ALPHABET, k=length))


def derived(prefix: str, *parts: object, length: int = 24) -> str:
    """The same id for the same parts, in Stripe's alphabet."""
    seed = "\x1f".join(str(part) for part in parts).encode()
    number = int.from_bytes(hashlib.sha256(seed).digest())
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return prefix + "".join(digits)


def secret_key(context: Context, account: str) -> str:
    """The account's test key: made up at start-up from the seed, so a restart keeps it."""
    return derived("sk_test_", context.seed, account, "key", length=32)


def account_id(account: str) -> str:
    """The `acct_` id of an account."""
    return derived("acct_1", account, length=15)


def credentials(context: Context, accounts: tuple[Account, ...]) -> Credentials:
    """What a gateway needs for each account."""
    return {
        account.name: {
            "base_url": f"{context.origin}/stripe",
            "key": secret_key(context, account.name),
            "account_id": account_id(account.name),
            "api_version": API_VERSION,
        }
        for account in accounts
    }


API_VERSION = "2026-10-28.endive"
