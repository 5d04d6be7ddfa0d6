"""Sending, capturing and breaking off HTTP answers at the level of ASGI messages."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope, Send

from sandbox.simulator import Answer

CLOSE = "sandbox.close"  # where the server leaves a function that closes the connection


class Dropped(ConnectionError):
    """The connection should be closed, but the server offers no way to do it."""


async def close(scope: Scope, receive: Receive) -> None:
    """Close the connection as it stands, and wait until it is gone."""
    if CLOSE not in scope:
        raise Dropped("the connection was dropped on purpose")
    scope[CLOSE]()
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_answer(answer: Answer, send: Send) -> None:
    """One complete answer."""
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    headers += [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class Captured:
    """An application's answer, held back so that it can be changed."""

    def __init__(self) -> None:
        self.start: Message = {"type": "http.response.start", "status": 500, "headers": []}
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    async def replay(
        self, send: Send, body: bytes, *, promised: int | None = None, more: bool = False
    ) -> None:
        """Send the captured head with another body; `promised` is the length it claims."""
        length = len(body) if promised is None else promised
        headers = [(k, v) for k, v in self.start["headers"] if k.lower() != b"content-length"]
        headers.append((b"content-length", str(length).encode()))
        await send({**self.start, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": more})
