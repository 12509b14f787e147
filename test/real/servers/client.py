"""A WebSocket client made with the `websockets` library, driven by JSON lines.

Each line on stdin is a command with an `id` and an `op`; each line on stdout is its result with the same `id`.
Commands run concurrently. A connection that a command leaves open is kept under the command's `name`.
Every name leads to 127.0.0.1, so that a gateway on loopback can tell its routes apart by their hosts.
"""

import asyncio
import contextlib
import hashlib
import json
import socket
import sys
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

kept: dict[str, ClientConnection] = {}


def ending(connection: ClientConnection) -> dict[str, object]:
    """Code and reason as received; null where the connection ended without a close frame."""
    frame = connection.protocol.close_rcvd
    return {"code": frame.code if frame else None, "reason": frame.reason if frame else None}


def digest(message: str | bytes) -> str:
    return hashlib.sha256(message.encode() if isinstance(message, str) else message).hexdigest()


async def exchange(uri: str, bytes: int, kind: str = "binary", fragments: int = 1, ping: bool = False) -> dict[str, object]:
    """Sends one message, in equal fragments, and reports the answer or how the connection ended."""
    data = (b"0123456789abcdef" * (bytes // 16 + 1))[:bytes]
    message = data.decode() if kind == "text" else data
    result: dict[str, object] = {"sha256": digest(data)}
    connection = await connect(uri, host="127.0.0.1", max_size=None, compression=None)
    try:
        if fragments == 1:
            await connection.send(message)
        else:
            size = bytes // fragments

            async def parts():
                for i in range(fragments):
                    yield message[i * size : (i + 1) * size if i < fragments - 1 else bytes]
                    if ping and i == fragments // 2:
                        await (await connection.ping(b"between fragments"))
                        result["pong_at_fragment"] = i

            await connection.send(parts())
        answer = await connection.recv()
        result["answer"] = answer if len(answer) < 1000 else {"bytes": len(answer), "sha256": digest(answer)}
    except ConnectionClosed:
        pass
    await connection.close()
    return result | ending(connection)


async def await_close(uri: str, patience: float = 10) -> dict[str, object]:
    """Sends a message that makes the server close, and reports the close as received; waits so long for the handshake."""
    async with connect(uri, host="127.0.0.1", open_timeout=patience) as connection:
        with contextlib.suppress(ConnectionClosed):
            await connection.send("close now")
        await connection.wait_closed()
        return ending(connection)


async def close_with(uri: str, code: int, reason: str) -> dict[str, object]:
    """Closes with a code and a reason of its own; reports the answer to it."""
    connection = await connect(uri, host="127.0.0.1")
    await connection.close(code, reason)
    return ending(connection)


class connect_once(connect):
    """A connect that takes a redirect as the refusal it is."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def refusal(uri: str) -> dict[str, object]:
    """Expects the handshake to be refused; `run` reports how."""
    async with connect_once(uri, host="127.0.0.1"):
        return {"error": "the handshake was accepted"}


async def open_unread(uri: str, name: str) -> dict[str, object]:
    """Opens a connection and takes nothing from it: a small receive buffer, and no reading beyond the first frames."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", urlsplit(uri).port))
    kept[name] = await connect(uri, sock=small, max_size=None, max_queue=1, ping_interval=None, compression=None)
    return {}


async def read_all(name: str) -> dict[str, object]:
    """Reads a kept connection to its end; checks that numbered messages came in order."""
    connection, messages, ordered = kept.pop(name), 0, True
    try:
        while True:
            message = await connection.recv()
            ordered = ordered and int.from_bytes(message[:4], "big") == messages
            messages += 1
    except ConnectionClosed:
        return {"messages": messages, "ordered": ordered} | ending(connection)


async def ask_files(uri: str, requests: list[dict[str, object]]) -> dict[str, object]:
    """Talks to the file service: a request, binary chunks, a result or an error; and so on."""
    answers = []
    async with connect(uri, host="127.0.0.1", max_size=None) as connection:
        for request in requests:
            await connection.send(json.dumps(request))
            sizes, sha = [], hashlib.sha256()
            while isinstance(message := await connection.recv(), bytes):
                sizes.append(len(message))
                sha.update(message)
            answers.append({"answer": json.loads(message), "chunks": sizes, "sha256": sha.hexdigest()})
    return {"answers": answers}


operations = {f.__name__: f for f in (exchange, await_close, close_with, refusal, open_unread, read_all, ask_files)}


async def run(command: dict) -> None:
    number, operation = command.pop("id"), operations[command.pop("op")]
    try:
        result = await operation(**command)
    except InvalidStatus as refused:
        response = refused.response
        body = bytes(response.body or b"").decode()
        result = {"status": response.status_code, "body": body, "headers": list(response.headers.raw_items())}
    except Exception as error:  # noqa: BLE001 - the test shall see whatever went wrong
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"id": number} | result), flush=True)


async def main() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        tasks.add(asyncio.create_task(run(json.loads(line))))


asyncio.run(main())
