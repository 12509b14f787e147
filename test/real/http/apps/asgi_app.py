"""What the ASGI servers serve. A request is known to the tests by the `id` of its query."""

import asyncio
import json
from collections import defaultdict
from urllib.parse import parse_qs

arrivals: dict[str, int] = defaultdict(int)
body_bytes: dict[str, int] = defaultdict(int)
departures: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
arrived: dict[str, asyncio.Event] = defaultdict(asyncio.Event)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    name = query.get("id", "")
    known, other = (sockets, socket_target) if scope["type"] == "websocket" else (handlers, target)
    handler = known.get(scope["path"], other)
    await handler(scope, receive, send, name, query)


async def lifespan(receive, send):
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def answer(send, status: int, body: bytes, headers=()) -> None:
    fields = [*headers] or [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def whole_body(receive, name: str) -> None:
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return
        body_bytes[name] += len(event.get("body", b""))
        if not event.get("more_body"):
            return


async def refuse(_scope, _receive, send, name, _query):
    """An answer before one byte of the body is wanted."""
    arrivals[name] += 1
    await answer(send, 401, b"who are you?")


async def head(scope, _receive, send, _name, _query):
    fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    await answer(send, 200, json.dumps(fields).encode())


async def origin(scope, receive, send, name, _query):
    """What an application believes of where a request came from, once it has read it whole."""
    await whole_body(receive, name)
    fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    await answer(send, 200, json.dumps({"client": scope["client"][0], "scheme": scope["scheme"], "fields": fields}).encode())


async def download(_scope, _receive, send, _name, query):
    """The name of a file beyond ASCII, as many servers write it, before or behind the length."""
    body = b"a,b\n"
    disposition = (b"content-disposition", b'attachment; filename="' + bytes.fromhex(query["hex"]) + b'"')
    length = (b"content-length", b"4")
    await answer(send, 200, body, [disposition, length] if query["place"] == "before" else [length, disposition])


async def count(_scope, receive, send, name, _query):
    arrivals[name] += 1
    await whole_body(receive, name)
    await answer(send, 200, str(arrivals[name]).encode())


async def seen(_scope, _receive, send, name, _query):
    await answer(send, 200, json.dumps({"arrivals": arrivals[name], "bytes": body_bytes[name]}).encode())


async def arrival(_scope, _receive, send, name, _query):
    await arrived[name].wait()
    await answer(send, 200, b"here")


async def departure(_scope, _receive, send, name, _query):
    await departures[name].wait()
    await answer(send, 200, b"gone")


async def progress(_scope, receive, send, _name, _query):
    """Answers while it reads, and says what has come: the answer is as long as the upload."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    total = 0
    more = True
    while more:
        event = await receive()
        more = event.get("more_body", False)
        total += len(event.get("body", b""))
        await send({"type": "http.response.body", "body": f"{total}\n".encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def target(scope, _receive, send, _name, _query):
    await answer(send, 200, scope["raw_path"] + b"?" + scope["query_string"])


async def socket_target(scope, receive, send, _name, _query):
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": (scope["raw_path"] + b"?" + scope["query_string"]).decode()})
    await send({"type": "websocket.close"})


async def until_gone(receive, name: str) -> None:
    arrived[name].set()
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass
    departures[name].set()


async def uploading(_scope, receive, send, name, _query):
    await until_gone(receive, name)


async def silent(_scope, receive, send, name, _query):
    await whole_body(receive, name)
    await until_gone(receive, name)


async def streaming(_scope, receive, send, name, _query):
    """Server-sent events that have become quiet."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
    await until_gone(receive, name)


async def flooding(_scope, receive, send, name, _query):
    """A download that is larger than all buffers on the way."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/csv")]})
    gone = asyncio.create_task(until_gone(receive, name))

    async def pour():
        while True:
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
            await asyncio.sleep(0)

    pouring = asyncio.create_task(pour())
    await gone
    pouring.cancel()


async def opening(_scope, receive, _send, name, _query):
    """A WebSocket that is not accepted yet."""
    assert (await receive())["type"] == "websocket.connect"
    await until_gone(receive, name)


async def opened(_scope, receive, send, name, _query):
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    await until_gone(receive, name)


async def late(_scope, receive, send, name, query):
    """A WebSocket that is accepted when its app has computed for a while."""
    assert (await receive())["type"] == "websocket.connect"
    await asyncio.sleep(float(query["seconds"]))
    await send({"type": "websocket.accept"})
    await until_gone(receive, name)


async def pieces(_scope, receive, send, _name, query):
    """Text that is larger than all buffers on the way, in numbered messages."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    for number in range(int(query["pieces"])):
        await send({"type": "websocket.send", "text": f"piece {number} " + "x" * int(query["bytes"])})
    await until_gone(receive, "pieces")


handlers = {
    "/refuse": refuse,
    "/head": head,
    "/origin": origin,
    "/download": download,
    "/count": count,
    "/seen": seen,
    "/arrival": arrival,
    "/departure": departure,
    "/uploading": uploading,
    "/silent": silent,
    "/streaming": streaming,
    "/flooding": flooding,
    "/progress": progress,
}
sockets = {"/opening": opening, "/opened": opened, "/late": late, "/pieces": pieces}
