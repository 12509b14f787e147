"""What gunicorn serves. A request is known to the tests by the `id` of its query."""

import json
from collections import defaultdict
from threading import Lock
from urllib.parse import parse_qs

arrivals: dict[str, int] = defaultdict(int)
lock = Lock()


def app(environ, start_response):
    name = parse_qs(environ["QUERY_STRING"]).get("id", [""])[0]
    status, body = handlers[environ["PATH_INFO"]](environ, name)
    start_response(status, [("Content-Length", str(len(body))), ("Content-Type", "text/plain")])
    return [body]


def refuse(_environ, name):
    """Larger than it likes: the body is not read."""
    with lock:
        arrivals[name] += 1
    return "413 Request Entity Too Large", b"too large for me"


def hints(environ, _name):
    environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload; as=style")])
    return "200 OK", b"after the hint"


def count(environ, name):
    with lock:
        arrivals[name] += 1
    environ["wsgi.input"].read()
    return "200 OK", str(arrivals[name]).encode()


def seen(_environ, name):
    return "200 OK", json.dumps({"arrivals": arrivals[name], "bytes": 0}).encode()


def origin(environ, _name):
    """What an application sees as headers, once it has read the request whole."""
    environ["wsgi.input"].read()
    return "200 OK", json.dumps({key: value for key, value in environ.items() if key.startswith("HTTP_")}).encode()


handlers = {"/refuse": refuse, "/origin": origin, "/hints": hints, "/count": count, "/seen": seen}
