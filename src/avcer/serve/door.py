"""Access control for the service. Host, Origin and token are checked before anything else of a request."""

from __future__ import annotations

import hmac
import ipaddress
import re
from typing import Final
from urllib.parse import quote, unquote

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

COOKIE: Final = "avcer"
_HOST: Final = re.compile(r"(?:\[([^][]+)\]|([^][:]+))(?::\d+)?")
"""An address of version 6 in brackets, or another name; and a port."""
GUARDS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's alone."""
    return host.lower() == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


class Door:
    """Lets a request through to ``app`` if it was sent here, from here, by somebody with the token.

    A name that an attacker's DNS points at this machine (DNS rebinding) is refused: the Host must be an address or
    ``localhost``, of this machine where ``local``.
    """

    def __init__(self, app: ASGIApp, token: str, local: bool = True) -> None:
        self._app, self._token, self._local = app, token, local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one WebSocket."""
        if scope["type"] == "websocket":
            if self._refusal(scope) is None:
                await self._app(scope, receive, send)
            else:
                await WebSocketClose(1008, "refused")(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(GUARDS)
            await send(message)

        answer = self._refusal(scope)
        await (answer or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._known(host):
            return refuse(403, "this address is not the service's; use the one that avcer serve printed")
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            return refuse(403, "requests of other pages are refused; open the address that avcer serve printed")
        if scope["path"] == "/api/health":
            return None
        given = QueryParams(scope["query_string"]).get("token", "")
        if scope["path"] == "/" and scope.get("method") == "GET" and self._fits(given):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, quote(self._token, safe=""), httponly=True, samesite="strict")
            return answer
        cookie = unquote(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""))
        kind, _, word = headers.get("authorization", "").partition(" ")
        if (kind.lower() == "bearer" and self._fits_header(word.strip())) or self._fits(cookie):
            return None
        return refuse(401, "the token is missing or wrong; open the address that avcer serve printed")

    def _fits(self, word: str) -> bool:
        return hmac.compare_digest(word.encode(), self._token.encode())

    def _fits_header(self, word: str) -> bool:
        """The same of a word of a header, which was read as Latin-1: clients send that, or UTF-8."""
        return self._fits(word) or self._fits(word.encode("latin-1").decode("utf-8", "replace"))

    def _known(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        name = (found[1] or found[2]) if found else ""
        return is_loopback(name) or (not self._local and _is_address(name))


def refuse(status: int, line: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as the service tells it."""
    return JSONResponse({"error": " ".join(line.split())}, status, headers)


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True
