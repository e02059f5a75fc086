"""A file as an answer, with ranges; what is wrong with a range is told as every other error is."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from avcer.serve.door import refuse

WRONG_RANGES: Final = {
    400: "the Range cannot be read; send one such as bytes=0-999",
    416: "the Range begins beyond the end of the file; Content-Range tells its length",
}


class FileAnswer(FileResponse):
    """As Starlette's, whose own errors are plain text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the file."""
        wrong: Message | None = None

        async def told(message: Message) -> None:
            nonlocal wrong
            if message["type"] == "http.response.start" and message["status"] in WRONG_RANGES:
                wrong = message
            elif wrong is None:
                await send(message)

        await super().__call__(scope, receive, told)
        if wrong is not None:
            kept = {name: value for name, value in Headers(raw=wrong["headers"]).items() if name == "content-range"}
            await refuse(wrong["status"], WRONG_RANGES[wrong["status"]], kept)(scope, receive, send)
