"""An ASGI application that responds with the parts of the request, decoded."""

import json
from urllib.parse import parse_qsl


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = [[name.decode(), value.decode()] for name, value in scope["headers"]]
    parts = {
        "method": scope["method"],
        "path": scope["path"],
        "query": parse_qsl(scope["query_string"].decode(), keep_blank_values=True),
        "headers": sorted(header for header in headers if header[0] in ("x-case", "authorization", "content-type", "x-version")),
        "body": body.decode(),
    }
    text = json.dumps(parts, ensure_ascii=False).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(text)).encode())]})
    await send({"type": "http.response.body", "body": text})
