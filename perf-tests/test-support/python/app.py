"""An ASGI application for uvicorn: responds, sleeps, or stops in the middle of a body."""

import asyncio


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/sleep":
        await asyncio.sleep(5)
    length = b"100" if scope["path"] == "/broken-off" else b"2"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    if scope["path"] == "/broken-off":
        await send({"type": "http.response.body", "body": b"begin", "more_body": True})
        raise RuntimeError("on purpose")
    await send({"type": "http.response.body", "body": b"ok"})
