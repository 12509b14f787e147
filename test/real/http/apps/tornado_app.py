"""What Tornado serves: one listener that buffers 100 MB, as it does by itself, and one that buffers a megabyte."""

import asyncio
import json

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


class Count(RequestHandler):
    def post(self) -> None:
        self.finish(str(len(self.request.body)))


class Download(RequestHandler):
    def get(self) -> None:
        disposition = f'attachment; filename="{self.get_query_argument("name")}"'.encode()
        if self.get_query_argument("place") == "before":
            self.set_header("Content-Disposition", disposition)
        self.set_header("Content-Length", "4")
        self.set_header("Content-Disposition", disposition)
        self.finish("a,b\n")


class Protocols(WebSocketHandler):
    """Answers with the subprotocols of its query, whatever was offered."""

    def check_origin(self, origin: str) -> bool:
        return True

    def prepare(self) -> None:
        for one in self.get_query_arguments("answer", strip=False):
            self.add_header("Sec-WebSocket-Protocol", one)

    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(message)


def listen(max_buffer_size: int | None) -> int:
    sockets = bind_sockets(0, "127.0.0.1")
    application = Application([("/count", Count), ("/download", Download), ("/protocols", Protocols)])
    HTTPServer(application, max_buffer_size=max_buffer_size).add_sockets(sockets)
    return sockets[0].getsockname()[1]


async def main() -> None:
    print(json.dumps({"tornado": listen(None), "tornado-small": listen(1024 * 1024)}), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
