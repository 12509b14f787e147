"""An echo of lengths with aiohttp's own limits."""

import sys

from aiohttp import WSMsgType, web


async def lengths(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(f"{len(message.data)} bytes")
    return socket


async def up(_request):
    return web.Response(text="up")


app = web.Application()
app.add_routes([web.get("/ws", lengths), web.get("/up", up)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
