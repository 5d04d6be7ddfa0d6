"""The one way out: every byte to and from a vendor passes here, and only here is `httpx` imported.

The engine under `httpx` is aiohttp: the cheapest per call of those measured (`benchmarks/`), and
it is used as a bare transport, because an `httpx.AsyncClient` around it costs as much again.

What it guarantees for a source: a deadline over waiting, retries and reading; a cap on concurrent
calls and on the size of an answer; the vendor's own rate; https except on loopback; no redirect
followed, no cookie kept, no call to a host that the vendor's declaration does not name.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from connectors.errors import (
    Malformed,
    Misconfigured,
    NotFound,
    Overloaded,
    OwnFailure,
    RateLimited,
    Retryable,
    SourceError,
    TimedOut,
    Unauthorized,
)
from connectors.json_reading import misfit, read
from connectors.meter import count_call
from connectors.own_failure import own_failure
from connectors.pacing import Pace, RetryBudget
from connectors.time_limit import TimeLimit
from connectors.tokens import NoToken, Token, TokenSource

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
UNREACHED = (httpx.TransportError, aiohttp.ClientError)
ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
T = TypeVar("T")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one source may cost us, and we it. Times in seconds, sizes in bytes.

    `rates` are calls per second by the name a request gives in `Request.rate`; `""` is all calls.
    """

    deadline: float = 5.0
    concurrency: int = 32
    queue: int = 2000
    max_body: int = 16 * 1024 * 1024
    attempts: int = 3
    rates: Mapping[str, float] = {}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`path` is joined to the base URL, or is an absolute URL of an allowed host.

    `seconds` replaces the source's deadline for a call that is known to take long, such as a bill.
    """

    path: str
    method: str = "GET"
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    rate: str = ""
    repeatable: bool | None = None
    seconds: float | None = None

    def __repr__(self) -> str:
        """Without what it carries: a query or a body may hold a secret."""
        return f"Request({self.method} ***)"

    @property
    def may_repeat(self) -> bool:
        return self.method in ("GET", "HEAD") if self.repeatable is None else self.repeatable


class Response(msgspec.Struct, frozen=True):
    """`headers` have lower-case names; `body` is decoded from its content encoding."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def decode(self, decoder: msgspec.json.Decoder[T], source: str) -> T:
        """The body as the decoder's type; Malformed names the field that does not fit."""
        try:
            return read(decoder, self.body)
        except msgspec.ValidationError as error:
            raise Malformed(source, misfit(error), status=self.status) from None
        except msgspec.DecodeError:
            raise Malformed(source, "the answer is not JSON", status=self.status) from None


MOST = 2 * 1024**3
"""Bytes of a file that is downloaded, at most."""
DOWNLOAD_SECONDS = 600.0

Judge = Callable[[Response], SourceError | None]
"""A vendor's verdict on an answer: None when it is a success."""


class Transport(Protocol):
    async def send(self, request: Request) -> Response: ...

    async def aclose(self) -> None: ...


class Downloader(Transport, Protocol):
    async def download(self, request: Request, sink: BinaryIO, most: int = MOST) -> Response: ...


class Sink:
    """Where a download goes: each attempt begins where the file stood at first."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.most = most
        self._file = file
        self._start = file.tell()

    def begin(self) -> Callable[[bytes], object]:
        self._file.seek(self._start)
        self._file.truncate()
        return self._file.write


class _Call(msgspec.Struct):
    """One call with its attempts, as far as it came: it waits for a place among the calls at once,
    then for its turn at the vendor's rate, and then for the vendor."""

    request: Request
    sink: Sink | None
    has_place: bool = False
    was_sent: bool = False


class HttpTransport:
    """One source's connections. Build it in the composition root, close it there."""

    def __init__(
        self,
        source: str,
        base_url: str,
        *,
        hosts: tuple[str, ...] = (),
        limits: Limits | None = None,
        judge: Judge = lambda response: None,
        tokens: TokenSource | None = None,
        engine: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        limits = limits or Limits()
        self.source = source
        self.limits = limits
        self._base_url = base_url.rstrip("/")
        self._hosts = hosts
        self._check_url(self._base_url)
        self._judge = judge
        self._tokens = tokens or NoToken()
        self._engine = engine or _engine(limits)
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._waiting = 0
        self._answers = 0
        self._paces = {name: Pace(rate, clock) for name, rate in limits.rates.items()}
        self._retries = RetryBudget()
        self._wall = wall
        self._dated: tuple[str, float] | None = None

    @property
    def skew(self) -> float | None:
        """Seconds that the vendor's clock was ahead of ours at its last answer, if it told."""
        if self._dated is None:
            return None
        try:
            return parsedate_to_datetime(self._dated[0]).timestamp() - self._dated[1]
        except ValueError:
            return None

    async def send(self, request: Request) -> Response:
        """A successful answer, or the SourceError that the vendor's judge or the network gave."""
        return await self._timed(request, None, self.limits.deadline)

    async def download(self, request: Request, sink: BinaryIO, most: int = MOST) -> Response:
        """As `send`, but the body goes to `sink`, however large up to `most` bytes; the answer's
        own body is empty. What a failed attempt wrote is cut off again. An error's body is the
        judge's, as always.
        """
        return await self._timed(request, Sink(sink, most), DOWNLOAD_SECONDS)

    async def _timed(self, request: Request, sink: Sink | None, seconds: float) -> Response:
        call, answers = _Call(request, sink), self._answers
        try:
            async with TimeLimit(request.seconds or seconds) as limit:
                return await self._attempts(call, limit)
        except TimeoutError:
            # Where the vendor answered nothing meanwhile, it is who holds all places.
            if not call.was_sent and (call.has_place or self._answers > answers):
                raise Overloaded(self.source, "its turn did not come within the deadline") from None
            raise TimedOut(self.source, "no answer within the deadline") from None

    async def aclose(self) -> None:
        await self._engine.aclose()

    async def _attempts(self, call: _Call, limit: TimeLimit) -> Response:
        refreshed = False
        attempt = 1
        while True:
            token = await self._token()
            try:
                response = await self._in_turn(call, token)
            except Unauthorized:
                if refreshed or not self._tokens.invalidate(token):
                    raise
                refreshed = True
            except (Retryable, RateLimited) as error:
                if not self._may_retry(call.request, error, attempt, limit):
                    raise
                await asyncio.sleep(_backoff(error, attempt))
                attempt += 1
            else:
                self._tokens.accepted(token)
                self._retries.succeeded()
                return response

    async def _token(self) -> Token:
        """The token's own errors do not know whose it is."""
        try:
            return await self._tokens.token()
        except Unauthorized as error:
            if error.source:
                raise
            raise Unauthorized(self.source, error.detail) from None

    def _may_retry(
        self, request: Request, error: SourceError, attempt: int, limit: TimeLimit
    ) -> bool:
        return (
            request.may_repeat
            and not isinstance(error, Overloaded)
            and _worth_waiting(error, limit)
            and attempt < self.limits.attempts
            and self._retries.take()
        )

    async def _in_turn(self, call: _Call, token: Token) -> Response:
        if self._waiting >= self.limits.queue:
            raise Overloaded(self.source, "too many calls are waiting for this source")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            call.has_place = True
            for name in {"", call.request.rate} & self._paces.keys():
                await self._paces[name].turn()
            return await self._once(call, token)
        finally:
            self._slots.release()

    async def _once(self, call: _Call, token: Token) -> Response:
        built = self._build(call.request, token)
        call.was_sent = True
        try:
            response = await self._exchange(built, call.sink)
        except (*UNREACHED, OSError, RuntimeError, MemoryError) as error:
            raise self._unreached(error) from None
        if 300 <= response.status < 400:
            raise Malformed(self.source, "a redirect is not followed", status=response.status)
        self._check(response)
        return response

    def _check(self, response: Response) -> None:
        """Raises the vendor's verdict. No frame holds what it raises: the two would be a cycle that
        keeps the whole answer until the collector comes."""
        verdict = self._judge(response)
        try:
            if verdict is not None:
                raise verdict
        finally:
            del verdict

    def _unreached(self, error: Exception) -> Exception:
        """Whose fault it is that there is no answer. A defect of ours stays what it is."""
        if (lack := own_failure(error)) is not None:
            return OwnFailure(self.source, lack)
        if isinstance(error, RuntimeError):
            return error
        return Retryable(self.source, "the connection failed")

    def _build(self, request: Request, token: Token) -> httpx.Request:
        base = token.base_url or self._base_url
        url = request.path if "://" in request.path else base + request.path
        self._check_url(url)
        if query := (*token.query, *request.query):
            url += ("&" if "?" in url else "?") + urlencode(query)
        headers = {"accept-encoding": "gzip, deflate", **token.headers, **request.headers}
        return httpx.Request(request.method, url, headers=headers, content=request.body)

    async def _exchange(self, request: httpx.Request, sink: Sink | None) -> Response:
        count_call()
        answer = await self._engine.handle_async_request(request)
        self._answers += 1
        headers = {k.lower(): v for k, v in answer.headers.items()}
        if "date" in headers:
            self._dated = headers["date"], self._wall()
        body = bytearray()
        most = self.limits.max_body
        write: Callable[[bytes], object] = body.extend
        if sink is not None and answer.status_code < 300:
            most, write = sink.most, sink.begin()
        try:
            # Two layers unpack a few bytes to gigabytes before the first check below.
            if headers.get("content-encoding", "").lower() not in ENCODINGS:
                raise Malformed(self.source, "the answer's encoding was not asked for")
            size = 0
            async for chunk in answer.aiter_bytes():
                if (size := size + len(chunk)) > most:
                    raise Malformed(
                        self.source, "the answer is too large", status=answer.status_code
                    )
                write(chunk)
        except httpx.DecodingError:
            raise Malformed(self.source, "the answer's encoding is broken") from None
        finally:
            await answer.aclose()
        return Response(answer.status_code, headers, bytes(body))

    def _check_url(self, url: str) -> None:
        """Misconfigured unless the URL is on the source's own origin or a declared https host."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            raise Misconfigured(self.source, "an address that is not a URL") from None
        own = urlsplit(self._base_url)
        if parts.scheme not in ("https", "http") or (
            parts.scheme == "http" and host not in LOOPBACK
        ):
            raise Misconfigured(self.source, "only https is spoken, except on loopback")
        if parts.username or parts.password:
            raise Misconfigured(self.source, "a URL must not carry credentials")
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return
        if parts.scheme == "https" and any(_matches(host, pattern) for pattern in self._hosts):
            return
        raise Misconfigured(self.source, "an address outside the source's own hosts is not called")


def worst_skew(transports: Iterable[HttpTransport]) -> float | None:
    """Of a source with several connections: the skew that is furthest from none."""
    skews = [transport.skew for transport in transports if transport.skew is not None]
    return max(skews, key=abs, default=None)


def _engine(limits: Limits) -> httpx.AsyncBaseTransport:
    def session() -> aiohttp.ClientSession:
        made = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limits.concurrency, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # It would send a dropped GET again by itself, past our count and our retry budget.
        made._retry_connection = False
        return made

    return AiohttpTransport(client=session)


def _matches(host: str, pattern: str) -> bool:
    """`*.salesforce.com` names every host below, a plain name only itself."""
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _worth_waiting(error: SourceError, limit: TimeLimit) -> bool:
    """Whether the wait ends before the deadline; an error may say that it is not repeated."""
    wait = getattr(error, "retry_after", None) or 0.0
    return error.again and wait < limit.left


def _backoff(error: SourceError, attempt: int) -> float:
    """Seconds: what the vendor asks for, else full jitter over 0.1 s doubled per attempt."""
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return error.retry_after
    # Jitter spreads callers, it guards nothing.
    return random.uniform(0.02, min(2.0, 0.1 * 2**attempt))  # noqa: S311


async def absent(call: Awaitable[T]) -> T | None:
    """None for what the vendor does not have: an unknown id is no error."""
    try:
        return await call
    except NotFound:
        return None


async def gather_keyed(
    keys: Iterable[str], one: Callable[[str], Awaitable[T | None]]
) -> dict[str, T | SourceError]:
    """For vendors without a batch: one call per key in parallel, each with its own outcome.

    A key that is given twice is asked for once; what is None is left out.
    """
    once = list(dict.fromkeys(keys))

    async def outcome(key: str) -> T | SourceError | None:
        try:
            return await one(key)
        except SourceError as error:
            return error

    found: list[Any] = await asyncio.gather(*map(outcome, once))
    return {key: value for key, value in zip(once, found, strict=True) if value is not None}
