"""What can go wrong with a source, grouped by what the caller can do about it.

    SourceError
    ├── Retryable            ask again soon
    │   ├── TimedOut         the deadline passed
    │   ├── Overloaded       our own queue for this source is full, or too slow
    │   ├── OwnFailure       this machine lacks what a call takes, such as descriptors or disk
    │   └── NotReady         the vendor has not made it yet (a bill of today)
    ├── RateLimited          ask again after `retry_after` seconds
    ├── Unauthorized         our credentials are refused: an operator must act
    ├── Rejected             the vendor understood and said no
    ├── Undecided            the vendor answered, and its answer leaves a value open
    ├── NotFound             the thing does not exist, or is not ours to see
    │   └── Superseded       it lives on as other records, which are known by themselves
    ├── Malformed            the answer is not what the vendor documents
    │   └── FieldMisfit      one value of a record is not what its mapping says
    └── Misconfigured        our configuration is wrong: an operator must act

`detail` is written by us and safe for logs; a vendor's own text is never kept, because it quotes
values. `code` is the vendor's machine-readable word (`INVALID_FIELD`, `rate_limit`).
"""

from __future__ import annotations


class SourceError(Exception):
    """A failure of one source, for one key or for all keys of a call.

    `again` False: the same call must not be repeated for now, whatever its class says.
    """

    again = True
    record: str | None = None
    """The native id of the record that failed, where it is known. It is not part of the text."""

    def __init__(
        self, source: str, detail: str, *, status: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(source, detail)
        self.source = source
        self.detail = detail
        self.status = status
        self.code = code

    def __str__(self) -> str:
        facts = [f"HTTP {self.status}"] if self.status else []
        facts += [self.code] if self.code else []
        return f"{self.source}: {self.detail}" + (f" ({', '.join(facts)})" if facts else "")


class Retryable(SourceError):
    pass


class TimedOut(Retryable):
    pass


class Overloaded(Retryable):
    pass


class OwnFailure(Retryable):
    pass


class NotReady(Retryable):
    again = False


class RateLimited(SourceError):
    """`retry_after` is in seconds, None when the vendor does not say."""

    def __init__(
        self,
        source: str,
        detail: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(source, detail, status=status, code=code)
        self.retry_after = retry_after


class Unauthorized(SourceError):
    pass


class Rejected(SourceError):
    pass


class Undecided(SourceError):
    """A payment in a state that its vendor does not document, for instance: its sums are not known,
    and asking again does not help."""

    again = False


class NotFound(SourceError):
    pass


class Superseded(NotFound):
    """An authorization that was captured in parts, for instance: whoever lists leaves it out."""


class Malformed(SourceError):
    pass


class FieldMisfit(Malformed):
    pass


class Misconfigured(SourceError):
    pass
