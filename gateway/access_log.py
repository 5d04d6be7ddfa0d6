"""One JSON line per request, and the id that ties it to errors and to other log lines.

It names the operation and counts errors; documents, variables and addresses are never in it.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.card_numbers import without_cards

access = logging.getLogger("tillgate.access")
crashes = logging.getLogger("tillgate.crash")
NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")


class AccessLog:
    """Pure ASGI: sets `request.state.request_id` and `X-Request-Id`. `paths` are what there is: of
    another one only that it is unknown stands in the log, as anything might have been pasted."""

    def __init__(self, app: ASGIApp, paths: frozenset[str]) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = secrets.token_hex(8)
        seen = {"bytes": 0}
        started = time.monotonic()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", state["request_id"].encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            elif message["type"] == "http.response.body":
                seen["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except ClientDisconnect:
            seen.setdefault("status", 499)
        except Exception as error:
            # What should not happen: no detail for the client, the log has the place.
            crashes.error("request=%s crashed", state["request_id"], exc_info=error)
            if "status" not in seen:
                await _crashed(state["request_id"])(scope, receive, counted)
        finally:
            path = scope["path"] if scope["path"] in self._paths else None
            _write(scope["method"], path, state, seen, time.monotonic() - started)


def _crashed(request_id: str) -> JSONResponse:
    extensions = {"code": "INTERNAL_SERVER_ERROR", "correlationId": request_id}
    error = {"message": "Something went wrong here.", "extensions": extensions}
    return JSONResponse({"errors": [error]}, 500)


def _write(
    method: str,
    path: str | None,
    state: dict[str, Any],
    seen: dict[str, int],
    seconds: float,
) -> None:
    operation = state.get("operation")
    access.info(
        "request",
        extra={
            "fields": {
                "request": state["request_id"],
                "method": method,
                "path": path,
                "status": seen.get("status"),
                "bytes": seen["bytes"],
                "ms": round(seconds * 1000, 1),
                "operation": operation if operation and NAME.fullmatch(operation) else None,
                "errors": state.get("errors"),
            }
        },
    )


class JsonFormatter(logging.Formatter):
    """Time (UTC), level, logger, message and the fields of the record, on one line. A card number
    is replaced wherever it stands, and `card_number` added, so that somebody can be woken."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            # The traceback without the message: a message may quote a payload.
            line["exception"] = record.exc_info[0].__name__
            line["at"] = _frames(record)
        text = json.dumps(line, ensure_ascii=False)
        return text if without_cards(text) is text else _without_cards(line)


def _without_cards(line: dict[str, Any]) -> str:
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in line.items()}
    return json.dumps({**{k: without_cards(v) for k, v in texts.items()}, "card_number": True})


def _frames(record: logging.LogRecord) -> list[str]:
    frames = []
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-8:]


def configure_logging(level: int = logging.INFO) -> None:
    """JSON lines on standard error, for our loggers and uvicorn's."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name in ("tillgate", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level)
