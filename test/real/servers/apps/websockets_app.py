"""A server made with the `websockets` library for the compatibility tests.

Two listeners: `default` has the library's own limits, `raised` takes messages of 150 MiB. Prints their ports as one
JSON line once both accept connections.
"""

import asyncio
import hashlib
import json
from collections import Counter
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

closed: dict[str, asyncio.Future] = {}
sent: Counter[str] = Counter()


def future_of(name: str) -> asyncio.Future:
    """The close code and reason that a watched connection will have."""
    return closed.setdefault(name, asyncio.get_running_loop().create_future())


def target(request: Request) -> tuple[str, dict[str, str]]:
    url = urlsplit(request.path)
    return url.path, {key: values[0] for key, values in parse_qs(url.query).items()}


async def answer_http(connection: ServerConnection, request: Request) -> Response | None:
    """Refusals, the long poll that tells how a watched connection ended, how much a flood has sent, and what is accepted late."""
    path, query = target(request)
    if path == "/closed":
        return connection.respond(HTTPStatus.OK, json.dumps(await future_of(query["name"])))
    if path == "/sent":
        return connection.respond(HTTPStatus.OK, str(sent[query["name"]]))
    if path == "/late":
        await asyncio.sleep(float(query["seconds"]))
        return None
    if not path.startswith("/refuse/"):
        return None
    status = HTTPStatus(int(path.removeprefix("/refuse/")))
    body = f"refused with {status.value}".encode()
    headers = Headers([("Content-Length", str(len(body))), ("Content-Type", "text/plain")])
    headers["Set-Cookie"] = "first=1; Path=/"
    headers["Set-Cookie"] = "second=2; Path=/; HttpOnly"
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="lab"'
    if status == 302:
        headers["Location"] = "/login?next=%2Frefuse"
    return Response(status.value, status.phrase, headers, body)


async def handle(connection: ServerConnection) -> None:
    path, query = target(connection.request)
    try:
        if path == "/flood":
            for number in range(int(query["messages"])):
                await connection.send(number.to_bytes(4, "big") + bytes(int(query["bytes"]) - 4))
                sent[query.get("name", "")] += 1
            await connection.close(1000, "all sent")
        async for message in connection:
            if path == "/echo":
                await connection.send(message)
            elif path == "/work":
                await asyncio.sleep(0.1)
                await connection.send(message)
            elif path == "/digest":
                data = message.encode() if isinstance(message, str) else message
                kind = "text" if isinstance(message, str) else "binary"
                digest = hashlib.sha256(data).hexdigest()
                await connection.send(json.dumps({"kind": kind, "bytes": len(data), "sha256": digest}))
            elif path == "/close":
                await connection.close(int(query["code"]), query.get("reason", ""))
    except ConnectionClosed:
        pass
    if path == "/watch":
        future_of(query["name"]).set_result({"code": connection.close_code, "reason": connection.close_reason})


async def main() -> None:
    common = {"host": "127.0.0.1", "port": 0, "process_request": answer_http}
    async with serve(handle, **common) as default, serve(handle, **common, max_size=150 * 1024 * 1024) as raised:
        ports = {name: server.sockets[0].getsockname()[1] for name, server in (("default", default), ("raised", raised))}
        print(json.dumps(ports), flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
