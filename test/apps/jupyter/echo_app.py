"""What stands behind jupyter-server-proxy: says how long messages are, also such as it does not take, and what was asked.

It floods who asks for that, and accepts late.
"""

import asyncio
import os
import sys

from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


class Lengths(WebSocketHandler):
    def check_origin(self, origin: str) -> bool:
        return True

    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(f"{len(message)} bytes")


class Pieces(Lengths):
    async def on_message(self, _message: str | bytes) -> None:
        for number in range(int(os.environ["PIECES"])):
            await self.write_message(f"piece {number} " + "x" * int(os.environ["BYTES"]))


class Late(Lengths):
    async def prepare(self) -> None:
        await asyncio.sleep(float(self.get_query_argument("seconds")))


class Up(RequestHandler):
    def get(self) -> None:
        self.finish("up")


class Target(RequestHandler):
    def get(self) -> None:
        self.finish(self.request.uri)


class Away(RequestHandler):
    def get(self) -> None:
        self.redirect(self.get_query_argument("to"))


async def main() -> None:
    routes = [("/ws", Lengths), ("/pieces", Pieces), ("/late", Late), ("/up", Up), (r"/target/.*", Target), ("/away", Away)]
    app = Application(routes, websocket_max_message_size=64 * 1024 * 1024)
    app.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
