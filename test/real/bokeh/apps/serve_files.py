"""Serves files.py with `pn.serve`, raised to 150 MiB; prints its port as one JSON line."""

import json
import sys
from pathlib import Path

import panel as pn

LIMIT = 150 * 1024 * 1024

server = pn.serve(
    {"files": Path(__file__).with_name("files.py")},
    address="127.0.0.1",
    port=0,
    show=False,
    start=False,
    websocket_origin="*",
    websocket_max_message_size=LIMIT,
    http_server_kwargs={"max_buffer_size": LIMIT},
)
server.start()
print(json.dumps({"port": server.port}), flush=True)
server.io_loop.start()
