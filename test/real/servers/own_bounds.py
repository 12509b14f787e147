"""Prints, as one JSON line, what the installed servers ping with, in seconds, and the largest message that they take."""

import inspect
import json

import uvicorn
from aiohttp import web
from bokeh.server.tornado import BokehTornado
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketHandler, _default_max_message_size
from websockets.asyncio.server import serve


def defaults(function) -> dict:
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}


class Tornado(WebSocketHandler):
    def __init__(self) -> None:
        self.application = type("Application", (), {"settings": {}})()


class Jupyter(WebSocketMixin):
    settings = {}


asgi = defaults(uvicorn.Config.__init__)
library = defaults(serve)
aiohttp = defaults(web.WebSocketResponse.__init__)
bokeh = defaults(BokehTornado.__init__)
own = {
    "uvicorn": (asgi["ws_ping_interval"], asgi["ws_ping_timeout"], asgi["ws_max_size"]),
    "websockets": (library["ping_interval"], library["ping_timeout"], library["max_size"]),
    # It refuses a message of that size already.
    "aiohttp": (aiohttp["heartbeat"], None, aiohttp["max_msg_size"] - 1),
    "tornado": (Tornado().ping_interval, None, _default_max_message_size),
    "jupyter": (Jupyter().ping_interval / 1000, Jupyter().ping_timeout / 1000, _default_max_message_size),
    # It does not look for pongs.
    "bokeh": (bokeh["keep_alive_milliseconds"] / 1000, None, bokeh["websocket_max_message_size_bytes"]),
}
print(json.dumps({name: dict(zip(("interval", "timeout", "bytes"), numbers)) for name, numbers in own.items()}))
