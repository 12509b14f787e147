"""What stands behind jupyter-server-proxy: says how long each message is, and takes longer ones than the proxy does."""

import asyncio
import sys

from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


class Lengths(WebSocketHandler):
    def check_origin(self, origin: str) -> bool:
        return True

    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(f"{len(message)} bytes")


class Up(RequestHandler):
    def get(self) -> None:
        self.finish("up")


async def main() -> None:
    app = Application([("/ws", Lengths), ("/up", Up)], websocket_max_message_size=64 * 1024 * 1024)
    app.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
