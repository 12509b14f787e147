"""A Dask client: for each line with a number it sends so many bytes to the scheduler as an argument, and prints what came of it."""

import json
import sys

from distributed import Client

client = Client(sys.argv[1], timeout=30)
print(json.dumps("connected"), flush=True)
for line in sys.stdin:
    try:
        print(json.dumps(client.submit(len, bytes(int(line)), pure=False).result(timeout=40)), flush=True)
    except Exception as error:  # noqa: BLE001 - the test shall see whatever went wrong
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
