"""A FastAPI application under uvicorn for the compatibility tests.

Two uvicorn servers: `default` has uvicorn's own WebSocket limits, `raised` takes messages of 150 MiB. Prints their
ports as one JSON line; their sockets are bound before, so a connection made at once waits in the backlog.
"""

import asyncio
import csv
import hashlib
import io
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, Response, StreamingResponse

MIB = 1024 * 1024
app = FastAPI()
closed: dict[str, asyncio.Future] = {}
sent: Counter[str] = Counter()
released: dict[str, asyncio.Event] = {}


def future_of(name: str) -> asyncio.Future:
    """The close code and reason that a watched connection will have."""
    return closed.setdefault(name, asyncio.get_running_loop().create_future())


async def receive(socket: WebSocket) -> str | bytes:
    event = await socket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event["code"], event.get("reason"))
    data = event.get("bytes")
    return event["text"] if data is None else data


@app.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            message = await receive(socket)
            await (socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message))
    except WebSocketDisconnect:
        return


@app.websocket("/work")
async def work(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            message = await receive(socket)
            await asyncio.sleep(0.1)
            await socket.send_text(message)
    except (WebSocketDisconnect, RuntimeError):
        return


@app.websocket("/digest")
async def digest(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            message = await receive(socket)
            data = message.encode() if isinstance(message, str) else message
            kind = "text" if isinstance(message, str) else "binary"
            await socket.send_json({"kind": kind, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    except WebSocketDisconnect:
        return


@app.websocket("/flood")
async def flood(socket: WebSocket, messages: int, bytes: int, name: str = "") -> None:
    """Sends numbered messages as fast as they are taken, then closes."""
    await socket.accept()
    try:
        for number in range(messages):
            await socket.send_bytes(number.to_bytes(4, "big") + b"0" * (bytes - 4))
            sent[name] += 1
        await socket.close(1000, "all sent")
    except (WebSocketDisconnect, RuntimeError):
        return


@app.get("/sent")
async def sent_by(name: str) -> int:
    """How many messages a flood has sent."""
    return sent[name]


@app.websocket("/late")
async def late(socket: WebSocket, seconds: float) -> None:
    """Accepts when it has computed for a while, as a page behind a busy database does."""
    await asyncio.sleep(seconds)
    await socket.accept()
    await socket.close(1000, "accepted")


@app.websocket("/close")
async def close(socket: WebSocket, code: int, reason: str = "") -> None:
    await socket.accept()
    await receive(socket)
    await socket.close(code, reason)


@app.websocket("/watch")
async def watch(socket: WebSocket, name: str) -> None:
    await socket.accept()
    try:
        while True:
            await receive(socket)
    except WebSocketDisconnect as end:
        future_of(name).set_result({"code": end.code, "reason": end.reason})


@app.get("/closed")
async def closed_as(name: str) -> dict[str, object]:
    return await future_of(name)


@app.websocket("/refuse/{status}")
async def refuse(socket: WebSocket, status: int) -> None:
    response = Response(f"refused with {status}", status, media_type="text/plain")
    response.headers.append("Set-Cookie", "first=1; Path=/")
    response.headers.append("Set-Cookie", "second=2; Path=/; HttpOnly")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="lab"'
    if status == 302:
        response.headers["Location"] = "/login?next=%2Frefuse"
    await socket.send_denial_response(response)


def table(rows: int = 120_000) -> dict[str, list[str]]:
    return {
        "id": [str(i) for i in range(rows)],
        "station": [f"station-{i * 7919 % 1000:04d}" for i in range(rows)],
        "value": [f"{i * 2654435761 % 1_000_003 / 7:.6f}" for i in range(rows)],
        "note": [hashlib.md5(str(i).encode()).hexdigest() for i in range(rows)],
    }


FILES = {"measurements.csv": table()}


@app.websocket("/files")
async def files(socket: WebSocket) -> None:
    """Asks for columns of a file; answers with the CSV in 1 MiB binary chunks and a closing result, or an error."""
    await socket.accept()
    try:
        while True:
            request = json.loads(await socket.receive_text())
            columns = FILES.get(request["filename"])
            if columns is None:
                await socket.send_json({"type": "error", "message": f"no file {request['filename']}"})
                continue
            missing = [name for name in request["selectedColumns"] if name not in columns]
            if missing:
                await socket.send_json({"type": "error", "message": f"no column {', '.join(missing)}"})
                continue
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerow(request["selectedColumns"])
            writer.writerows(zip(*(columns[name] for name in request["selectedColumns"])))
            data = text.getvalue().encode()
            for start in range(0, len(data), MIB):
                await socket.send_bytes(data[start : start + MIB])
            digest = hashlib.sha256(data).hexdigest()
            await socket.send_json({"type": "result", "filename": request["filename"], "bytes": len(data), "sha256": digest})
    except WebSocketDisconnect:
        return


@app.get("/events")
async def events(name: str) -> StreamingResponse:
    """Server-sent events: the second is sent only once somebody asked for it, so buffering on the way shows."""
    gate = released.setdefault(name, asyncio.Event())

    async def stream() -> AsyncIterator[str]:
        yield "id: 1\ndata: first\n\n"
        await gate.wait()
        yield "id: 2\ndata: second\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


@app.post("/events/next")
async def next_event(name: str) -> None:
    released.setdefault(name, asyncio.Event()).set()


@app.post("/upload")
async def upload(request: Request) -> dict[str, object]:
    size, sha = 0, hashlib.sha256()
    async for chunk in request.stream():
        size += len(chunk)
        sha.update(chunk)
    return {"bytes": size, "sha256": sha.hexdigest()}


@app.get("/page")
async def page() -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>plain page</title><p>A page without a script of its own.</p>")


@app.get("/absent")
async def absent() -> StreamingResponse:
    """An answer in chunks, of which there are none."""
    return StreamingResponse(iter(()), status_code=404)


@app.get("/nothing/{status}")
async def nothing(status: int) -> Response:
    """An answer that can have no body."""
    return Response(status_code=status, headers={"ETag": '"a"'})


async def main() -> None:
    sockets = {"default": socket.create_server(("127.0.0.1", 0)), "raised": socket.create_server(("127.0.0.1", 0))}
    servers = {
        "default": uvicorn.Server(uvicorn.Config(app, log_level="warning")),
        "raised": uvicorn.Server(uvicorn.Config(app, log_level="warning", ws_max_size=150 * MIB)),
    }
    print(json.dumps({name: bound.getsockname()[1] for name, bound in sockets.items()}), flush=True)
    await asyncio.gather(*(servers[name].serve([sockets[name]]) for name in servers))


asyncio.run(main())
