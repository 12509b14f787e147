"""A Tornado server for the compatibility tests.

Four listeners of one application, each with other WebSocket settings: `default` has Tornado's own, `raised` takes
messages of 150 MiB, `pinging` pings every two seconds and gives up two seconds later, `forbearing` takes minutes. Prints their ports as one JSON
line once all of them accept connections.
"""

import asyncio
import hashlib
import json
from collections import defaultdict

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

closed: dict[str, asyncio.Future] = {}
given_up: dict[str, asyncio.Event] = defaultdict(asyncio.Event)


def future_of(name: str) -> asyncio.Future:
    """The close code and reason that a watched connection will have."""
    return closed.setdefault(name, asyncio.get_running_loop().create_future())


class Handler(WebSocketHandler):
    def check_origin(self, origin: str) -> bool:
        return True


class Echo(Handler):
    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))


class Work(Handler):
    async def on_message(self, message: str | bytes) -> None:
        await asyncio.sleep(0.1)
        await self.write_message(message)


class Digest(Handler):
    async def on_message(self, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        kind = "text" if isinstance(message, str) else "binary"
        await self.write_message(json.dumps({"kind": kind, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}))


class Close(Handler):
    def on_message(self, _message: str | bytes) -> None:
        self.close(int(self.get_query_argument("code")), self.get_query_argument("reason", "") or None)


class Watch(Handler):
    def on_close(self) -> None:
        given_up[self.get_query_argument("name")].set()
        result = future_of(self.get_query_argument("name"))
        if not result.done():
            result.set_result({"code": self.close_code, "reason": self.close_reason})


class Flood(Watch):
    """Sends numbered messages as fast as they are taken, then closes."""

    def open(self, *_args: str) -> None:
        connection = self.ws_connection
        close = connection.close

        def tell_and_close(code: int | None = None, reason: str | None = None) -> None:
            given_up[self.get_query_argument("name")].set()
            close(code, reason)

        # What ends a connection for a pong that did not come asks nobody but the connection.
        connection.close = tell_and_close
        asyncio.get_running_loop().create_task(self.pour())

    async def pour(self) -> None:
        size = int(self.get_query_argument("bytes"))
        try:
            for number in range(int(self.get_query_argument("messages"))):
                await self.write_message(number.to_bytes(4, "big") + bytes(size - 4), binary=True)
        except WebSocketClosedError:
            return
        self.close(1000, "all sent")


class Late(Handler):
    async def prepare(self) -> None:
        """Accepts when it has computed for a while."""
        await asyncio.sleep(float(self.get_query_argument("seconds")))


class Refuse(RequestHandler):
    def get(self, status: str) -> None:
        self.set_status(int(status))
        self.add_header("Set-Cookie", "first=1; Path=/")
        self.add_header("Set-Cookie", "second=2; Path=/; HttpOnly")
        if status == "401":
            self.set_header("WWW-Authenticate", 'Basic realm="lab"')
        if status == "302":
            self.set_header("Location", "/login?next=%2Frefuse")
        self.finish(f"refused with {status}")


class Closed(RequestHandler):
    async def get(self) -> None:
        self.finish(await future_of(self.get_query_argument("name")))


class GivenUp(RequestHandler):
    async def get(self) -> None:
        """Answers when the server has begun to close a watched connection, or has lost it."""
        await given_up[self.get_query_argument("name")].wait()
        self.finish("given up")


class Nothing(RequestHandler):
    async def get(self, status: str) -> None:
        """An answer that can have no body; its head may be sent before its end is known."""
        self.set_status(int(status))
        if self.get_query_argument("flush", ""):
            await self.flush()


def listen(**settings: object) -> int:
    routes = [
        ("/echo", Echo),
        ("/work", Work),
        ("/digest", Digest),
        ("/close", Close),
        ("/watch", Watch),
        ("/flood", Flood),
        ("/late", Late),
        (r"/refuse/(\d+)", Refuse),
        ("/closed", Closed),
        ("/given-up", GivenUp),
        (r"/nothing/(\d+)", Nothing),
    ]
    sockets = bind_sockets(0, "127.0.0.1")
    # Tornado's own read buffer of 100 MB would otherwise end a large message before its limit does.
    HTTPServer(Application(routes, **settings), max_buffer_size=200 * 1024 * 1024).add_sockets(sockets)
    return sockets[0].getsockname()[1]


async def main() -> None:
    ports = {
        "default": listen(),
        "raised": listen(websocket_max_message_size=150 * 1024 * 1024),
        "pinging": listen(websocket_ping_interval=2, websocket_ping_timeout=2),
        "forbearing": listen(websocket_ping_interval=120, websocket_ping_timeout=120),
    }
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
