"""Several replicas of Sluice as JupyterHub's proxy.

The hub stays the only writer: each change goes to every address of a name, a headless Service of Kubernetes. A route
that a replica lacks is told to the hub as one that differs, so that the hub's own check (`check_routes`) sets it again;
and after each check every replica hears that its table is complete. Replicas do not talk with each other.

This file may stand in `hub.extraConfig` as it is (`--set-file hub.extraConfig.sluice=sluice_proxy.py`), or be imported
by jupyterhub_config.py. With JupyterHub 4 and later. The name and the port of the replicas' API:

    c.SluiceProxy.api_url = "http://sluice-api:8001"
"""

import asyncio
import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlparse

from jupyterhub.metrics import PROXY_POLL_DURATION_SECONDS
from jupyterhub.proxy import ConfigurableHTTPProxy
from jupyterhub.utils import make_ssl_context, url_path_join
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from traitlets import default

# A replica answers a change in a millisecond or two; who takes longer is not there.
CONNECT_S = 2
CHANGE_S = 3
# A table of 100 000 routes takes a second, and is 30 MB.
TABLE_S = 15
TABLE_BYTES = 64 << 20
LOOK_UP_S = 2
# As long as the hub itself tries to reach configurable-http-proxy.
PATIENCE_S = 30
# More would be no Service of a proxy.
MOST_REPLICAS = 64

# No target is called so: the hub sees that the route is not as it should be.
DIFFERS = "differs between replicas"


class Unreachable(Exception):
    """No answer came, or none that says anything."""


class Refused(Exception):
    """The replica says why not."""


class _OneAddress:
    """Stands in the place of the system's resolver, so that URLs, Host fields and certificates keep the name."""

    def __init__(self, family, address):
        self._found = [(family, address)]

    async def resolve(self, host, port, family=socket.AF_UNSPEC):
        return self._found

    def close(self):
        pass


class _Replica:
    """One address, and what is known of whoever answers there."""

    def __init__(self, family, address, concurrency):
        self.name = f"{address[0]}:{address[1]}"
        # Changes that have not arrived: whoever sees this grow behind a check knows that the check was in vain.
        self.missed = 0
        # Whether the last question had no answer. Then one change at a time is tried, and nobody waits for it.
        self.lost = False
        self.is_tried = False
        self.turns = asyncio.Semaphore(concurrency)
        self._client = SimpleAsyncHTTPClient(
            force_instance=True,
            resolver=_OneAddress(family, address),
            max_clients=2 * concurrency,
            max_body_size=TABLE_BYTES,
        )

    async def ask(self, request):
        """The body of the answer; raises Unreachable or Refused."""
        try:
            response = await self._client.fetch(request)
        except HTTPClientError as error:
            # 599 is tornado's own: a time-out, or a connection that was closed.
            if error.code >= 500:
                raise Unreachable(str(error)) from None
            if error.code == 404 and request.method == "DELETE":
                return b""
            body = error.response.body if error.response else b""
            detail = body.decode("utf8", "replace").strip()[:500]
            raise Refused(f"HTTP {error.code} {detail}") from None
        except Exception as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from None
        return response.body

    def close(self):
        self._client.close()


class _Table(dict):
    """What the hub is told, and what was known of each replica when it was read."""

    def __init__(self, routes, read):
        super().__init__(routes)
        # By replica: how many changes it had missed, and how many of its routes differ.
        self.read = read

    def __bool__(self):
        # The hub would read the routes again where there are none.
        return True


class SluiceProxy(ConfigurableHTTPProxy):
    """JupyterHub's proxy: every address of the name in `api_url`."""

    @default("should_start")
    def _should_start(self):
        return False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._place()
        self._ssl = None
        if self.app.internal_ssl:
            app = self.app
            self._ssl = make_ssl_context(app.internal_ssl_key, app.internal_ssl_cert, cafile=app.internal_ssl_ca)
        self._replicas = {}
        self._look_up = None
        # A resolver that hangs must not take the hub's own threads.
        self._resolver = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sluice-names")
        self._checking = asyncio.Lock()
        self._checked = None
        self._tasks = set()

    # What the hub calls; add_route and delete_route come by api_request.

    async def api_request(self, path, method="GET", body=None):
        """Sends a change to every replica. One that takes it is enough: the next check repairs what others miss."""
        if isinstance(body, dict):
            body = json.dumps(body)

        async def send(replica):
            return await self._change(replica, path, method, body)

        results = await self._until_answered(f"{method} {path}", send)
        if not any(result is True for result in results):
            raise RuntimeError(f"no replica of Sluice took {method} {path}: {results[0]}")

    async def get_all_routes(self):
        """The routes of all replicas; `last_activity` is the latest."""
        start = time.perf_counter()
        results = await self._until_answered("GET /", self._read)
        read = {replica: table for replica, table in (r for r in results if isinstance(r, tuple))}
        if not read:
            raise RuntimeError(f"no replica of Sluice shows its routes: {results[0]}")
        routes = {}
        differing = dict.fromkeys(read, 0)
        for path in dict.fromkeys(path for _, table in read.values() for path in table):
            found = {replica: table[path] for replica, (_, table) in read.items() if path in table}
            if not any("jupyterhub" in data for data in found.values()):
                continue
            first = next(data for data in found.values() if "jupyterhub" in data)
            said = {key: value for key, value in first.items() if key != "last_activity"}
            merged = {**first, "last_activity": max(data["last_activity"] for data in found.values())}
            for replica in read:
                other = found.get(replica)
                if other is None or {**other, "last_activity": None} != {**said, "last_activity": None}:
                    differing[replica] += 1
                    merged["target"] = DIFFERS
            spec = self._routespec_from_chp_path(path)
            routes[spec] = self._reformat_routespec(spec, merged)
        PROXY_POLL_DURATION_SECONDS.observe(time.perf_counter() - start)
        return _Table(routes, {replica: (missed, differing[replica]) for replica, (missed, _) in read.items()})

    async def check_routes(self, user_dict, service_dict, routes=None):
        """The hub's own check. Each replica that has got all that it lacked hears of it."""
        self._checked = (user_dict, service_dict)
        async with self._checking:
            if not isinstance(routes, _Table):
                routes = await self.get_all_routes()
            await super().check_routes(user_dict, service_dict, routes)
            # Who has missed a change of this check, or beside it, is told at the next.
            whole = [(r, differing) for r, (missed, differing) in routes.read.items() if r.missed == missed]
            await asyncio.gather(*(self._tell_checked(replica, differing) for replica, differing in whole))

    # Replicas

    async def _until_answered(self, what, ask):
        """What each replica said. Tries again while none is reached, as long as the hub tries with its usual proxy."""
        until = time.monotonic() + PATIENCE_S
        pause = 0.2
        while True:
            replicas = await self._find_replicas()
            results = await asyncio.gather(*(ask(replica) for replica in replicas))
            if any(not isinstance(result, Unreachable) for result in results):
                return results
            if time.monotonic() + pause > until:
                reasons = "; ".join(str(r) for r in results) or f"{self.api_url} has no addresses"
                raise TimeoutError(f"no replica of Sluice was reached for {what} in {PATIENCE_S} s: {reasons}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 5)

    async def _change(self, replica, path, method, body):
        """True where it was taken; else what was in the way."""
        if replica.lost and any(not other.lost for other in self._replicas.values()):
            if replica.is_tried:
                replica.missed += 1
                return Unreachable(f"{replica.name} does not answer")
            replica.is_tried = True

            async def attempt():
                try:
                    await self._send(replica, path, method, body)
                finally:
                    replica.is_tried = False

            self._run(attempt())
            return Unreachable(f"{replica.name} does not answer")
        async with replica.turns:
            return await self._send(replica, path, method, body)

    async def _send(self, replica, path, method, body):
        request = self._request(url_path_join("api/routes", path), CHANGE_S, method=method, body=body)
        try:
            await replica.ask(request)
        except Unreachable as error:
            replica.missed += 1
            self._lose(replica, error)
            return error
        except Refused as error:
            replica.missed += 1
            self.log.error("Sluice at %s refuses %s %s: %s", replica.name, method, path, error)
            return error
        if replica.lost:
            self._find(replica)
            # It has missed changes; the hub would look in a few minutes only.
            if self._checked is not None:
                self._run(self.check_routes(*self._checked))
        return True

    async def _read(self, replica):
        """The replica with what it had missed before, and its table; else what was in the way."""
        missed = replica.missed
        try:
            body = await replica.ask(self._request("api/routes", CONNECT_S if replica.lost else TABLE_S))
            table = json.loads(body)
        except (Unreachable, ValueError) as error:
            error = error if isinstance(error, Unreachable) else Unreachable("its answer is no JSON")
            self._lose(replica, error)
            return error
        except Refused as error:
            self.log.error("Sluice at %s does not show its routes: %s", replica.name, error)
            return error
        self._find(replica)
        return replica, (missed, table)

    async def _tell_checked(self, replica, differing):
        if differing:
            self.log.warning("Sluice at %s had %s routes less, or otherwise; they are set", replica.name, differing)
        body = json.dumps({"differing": differing})
        try:
            await replica.ask(self._request("api/checked", CHANGE_S, method="POST", body=body))
        except (Unreachable, Refused) as error:
            self.log.warning("Sluice at %s cannot be told that its routes are complete: %s", replica.name, error)

    def _lose(self, replica, error):
        if not replica.lost:
            self.log.warning("Sluice at %s is not reached: %s", replica.name, error)
        replica.lost = True

    def _find(self, replica):
        if replica.lost:
            self.log.info("Sluice at %s is reached again", replica.name)
        replica.lost = False

    def _request(self, path, timeout, **more):
        return HTTPRequest(
            url_path_join(self.api_url, path),
            headers={"Authorization": f"token {self.auth_token}"},
            connect_timeout=CONNECT_S,
            request_timeout=timeout,
            follow_redirects=False,
            ssl_options=self._ssl,
            **more,
        )

    # Names

    def _place(self):
        """The name and the port of the replicas' API, as it is now: `PATCH /hub/api/proxy` may tell another."""
        url = urlparse(self.api_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"SluiceProxy.api_url is {self.api_url!r}; write http://NAME:PORT of all replicas")
        return url.hostname, url.port or (443 if url.scheme == "https" else 80)

    async def _find_replicas(self):
        """Who is there now. The name is asked each time; those who ask at once share an answer."""
        if self._look_up is None:
            self._look_up = asyncio.ensure_future(self._addresses())
            self._look_up.add_done_callback(lambda _: setattr(self, "_look_up", None))
        addresses = await asyncio.shield(self._look_up)
        if addresses is not None:
            for key in self._replicas.keys() - addresses.keys():
                self._replicas.pop(key).close()
            for key, (family, address) in addresses.items():
                if key not in self._replicas:
                    self._replicas[key] = _Replica(family, address, self.concurrency)
        return list(self._replicas.values())

    async def _addresses(self):
        """By address; None where the name could not be asked, and those before stay in use."""
        loop = asyncio.get_running_loop()
        try:
            host, port = self._place()
            names = loop.run_in_executor(
                self._resolver, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
            found = await asyncio.wait_for(names, LOOK_UP_S)
        except Exception as error:
            self.log.warning("%s cannot be looked up: %s", self.api_url, error or type(error).__name__)
            return None
        found = sorted(found, key=lambda entry: entry[4])[:MOST_REPLICAS]
        return {address: (family, address) for family, _, _, _, address in found}

    def _run(self, coroutine):
        async def run():
            try:
                await coroutine
            except Exception:
                self.log.exception("Sluice: a check of the routes failed; the next one comes")

        task = asyncio.ensure_future(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


# In a configuration file of the hub, as hub.extraConfig is a part of one.
if "get_config" in globals():
    c = get_config()  # noqa: F821
    c.JupyterHub.proxy_class = SluiceProxy
    # A replica that has just started asks for a check of the routes, and may ask for nothing else.
    c.JupyterHub.services.append({"name": "sluice", "api_token": os.environ["CONFIGPROXY_AUTH_TOKEN"]})
    c.JupyterHub.load_roles.append({"name": "sluice", "services": ["sluice"], "scopes": ["proxy"]})
