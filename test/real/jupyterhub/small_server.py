#!/usr/bin/env python3
"""A user's server that is there in a moment: it answers every request, and says who it is."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = os.environ["JUPYTERHUB_SERVICE_PREFIX"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


where = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
ThreadingHTTPServer((where.hostname, where.port), Server).serve_forever()
