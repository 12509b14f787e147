"""An echo of lengths with aiohttp's own limits, and what a sleeping client gets or waits for."""

import asyncio
import os
import sys

from aiohttp import WSMsgType, web


async def lengths(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(f"{len(message.data)} bytes")
    return socket


async def pieces(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    for number in range(int(os.environ["PIECES"])):
        await socket.send_str(f"piece {number} " + "x" * int(os.environ["BYTES"]))
    await socket.receive()
    return socket


async def late(request):
    """Accepts when it has computed for a while."""
    await asyncio.sleep(20)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.receive()
    return socket


async def up(_request):
    return web.Response(text="up")


app = web.Application()
app.add_routes([web.get("/ws", lengths), web.get("/pieces", pieces), web.get("/late", late), web.get("/up", up)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
