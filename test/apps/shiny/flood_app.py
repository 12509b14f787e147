"""Says more than a client's and a server's kernels hold."""

import asyncio
import os

from shiny import App, ui

pouring = []


def server(_input, _output, session):
    async def pour():
        # What a page is told of its outputs is sent under a lock that all pages share: a client that sleeps then holds
        # up the others, and what is tested here is how long it is borne.
        await asyncio.sleep(2)
        for number in range(int(os.environ["PIECES"])):
            await session.send_custom_message("flood", {"text": f"piece {number} " + "x" * int(os.environ["BYTES"])})

    pouring.append(asyncio.create_task(pour()))


app = App(ui.page_fluid(), server)
