"""A Dask client: for each line with a number it sends so many bytes to the scheduler as an argument, and prints what came of it.

A negative number asks the scheduler for so many bytes; it takes a second before it answers.
"""

import json
import os
import sys
import time

from distributed import Client

client = Client(sys.argv[1], timeout=30)
print(json.dumps("connected"), flush=True)


def give(count):
    time.sleep(1)
    return os.urandom(count)


def ask(count):
    if count < 0:
        print(json.dumps("asking"), flush=True)
        return len(client.run_on_scheduler(give, -count))
    return client.submit(len, bytes(count), pure=False).result(timeout=40)


for line in sys.stdin:
    try:
        print(json.dumps(ask(int(line))), flush=True)
    except Exception as error:  # noqa: BLE001 - the test shall see whatever went wrong
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
