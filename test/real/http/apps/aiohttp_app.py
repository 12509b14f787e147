"""What aiohttp serves: resources that judge an expectation themselves, and one that leaves it to aiohttp."""

import asyncio
import json

from aiohttp import web


async def head(request: web.Request) -> web.Response:
    return web.json_response([[n.decode("latin-1"), v.decode("latin-1")] for n, v in request.raw_headers])


async def count(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


async def unknown_user(_request: web.Request) -> web.Response:
    raise web.HTTPUnauthorized(text="who are you?")


async def main() -> None:
    app = web.Application(client_max_size=100 * 1024 * 1024)
    app.router.add_get("/head", head)
    app.router.add_put("/count", count)
    app.router.add_post("/count", count)
    app.router.add_put("/members", count, expect_handler=unknown_user)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"aiohttp": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
