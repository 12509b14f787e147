"""A Bokeh client made with `bokeh.client`: pulls the document, changes properties and compares what comes back.

Usage: client.py URL PAYLOAD. Prints one JSON line. Works on a session of its own, then closes it.
"""

import hashlib
import json
import sys

import numpy as np
from bokeh.client import pull_session

url, payload = sys.argv[1], int(sys.argv[2])
# The client's own limit for what it receives is 20 MiB.
session = pull_session(url=url, arguments={"payload": str(payload)}, max_message_size=64 * 1024 * 1024)
document = session.document
model = document.get_model_by_name


def await_change(of, attribute: str, change) -> None:
    """Makes a change and serves the connection until the server's own change to `of.attribute` has arrived."""
    arrived = []
    of.on_change(attribute, lambda _attribute, _old, new: arrived.append(new))
    change()
    # There is no public way to wait for a patch: while awaiting a reply the client throws other messages away.
    session._connection._loop_until(lambda: bool(arrived) or not session.connected)


await_change(model("answer"), "text", lambda: setattr(model("question"), "value", "a question"))
values = np.random.default_rng(7).random(1_000_000)
await_change(
    model("doubled"), "data", lambda: setattr(model("samples"), "data", {"x": np.arange(1_000_000.0), "y": values})
)

print(
    json.dumps(
        {
            "title": document.title,
            "payload": len(model("carried").text),
            "answer": model("answer").text,
            "digest": model("digest").text,
            "expected_digest": hashlib.sha256(values.tobytes()).hexdigest(),
            "doubled": bool(np.array_equal(np.asarray(model("doubled").data["y"]), values * 2)),
            "binary_bytes": values.nbytes * 2,
        }
    )
)
session.close()
