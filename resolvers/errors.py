"""What a client can do wrong with a value that GraphQL itself cannot check."""

from __future__ import annotations


class InputError(ValueError):
    """`code` is the `extensions.code` of the answer; the message is written for the client."""

    code = "BAD_INPUT"


class BadId(InputError):
    code = "BAD_ID"


class NoSource(BadId):
    """The id is of a source that there is not, or not for who asks, or that has no such ids."""


class BadCursor(InputError):
    code = "BAD_CURSOR"


class BadFilter(InputError):
    code = "BAD_FILTER"


class BadFirst(InputError):
    code = "BAD_FIRST"
