"""A hub as JupyterHub's quickstart has it, on loopback: any name may log in, servers are processes of this user."""

import json
import os
import socket

c = get_config()  # noqa: F821

home = os.environ["HUB_HOME"]

# The proxy is a program of its own, as in a cluster.
c.JupyterHub.bind_url = os.environ["HUB_PUBLIC_URL"]
c.JupyterHub.hub_bind_url = os.environ["HUB_URL"]
command = os.environ.get("HUB_PROXY_COMMAND")
if "HUB_REPLICAS" in os.environ:
    # As hub.extraConfig has it. The name of the replicas is known to a file here, where a cluster has a Service.
    names = os.environ["HUB_REPLICAS"]
    look_up = socket.getaddrinfo

    def look_up_replicas(host, port, *args, **more):
        if host != "sluice-api":
            return look_up(host, port, *args, **more)
        with open(names) as lines:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (line.strip(), port)) for line in lines if line.strip()]

    socket.getaddrinfo = look_up_replicas
    with open(os.environ["HUB_PROXY_CLASS"]) as source:
        exec(compile(source.read(), "sluice_proxy.py", "exec"))
    # A hub that starts again finds the servers of its users.
    c.JupyterHub.cleanup_servers = False
    c.SluiceProxy.api_url = os.environ["HUB_PROXY_API_URL"]
else:
    c.ConfigurableHTTPProxy.should_start = command is not None
if command is not None:
    c.ConfigurableHTTPProxy.command = json.loads(command)
c.ConfigurableHTTPProxy.api_url = os.environ["HUB_PROXY_API_URL"]
if "HUB_INTERNAL_CERTS" in os.environ:
    c.JupyterHub.internal_ssl = True
    c.JupyterHub.internal_certs_location = os.environ["HUB_INTERNAL_CERTS"]
    c.JupyterHub.trusted_alt_names = ["DNS:sluice-api"]
c.JupyterHub.db_url = f"sqlite:///{home}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{home}/cookie_secret"

c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{home}/users/{{username}}"
# Whoever ends the hub's process group ends the users' servers.
c.LocalProcessSpawner.popen_kwargs = {"start_new_session": False}
c.Spawner.cmd = [os.environ["HUB_SINGLEUSER"]]
c.Spawner.args = ["--allow-root", "--LabApp.news_url=None", "--LabApp.extension_manager=readonly"]
c.Spawner.args += json.loads(os.environ.get("HUB_SERVER_ARGS", "[]"))
c.Spawner.default_url = "/lab"
# A busy machine is slow.
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
c.JupyterHub.allow_named_servers = True
# Requests that start or stop a server do not wait for it, so that its progress can be seen.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0, "slow_stop_timeout": 0}

# The hub asks its proxy for activity every second, and believes every second of it.
c.JupyterHub.last_activity_interval = int(os.environ.get("HUB_CHECK_SECONDS", "1"))
c.JupyterHub.activity_resolution = 0
c.Spawner.environment = {
    # A user's server also tells the hub itself, past every proxy: here never while a test looks.
    "JUPYTERHUB_ACTIVITY_INTERVAL": "3600",
    # The client of the tests puts its token into the URL of a WebSocket.
    "JUPYTERHUB_ALLOW_TOKEN_IN_URL": "1",
    "JUPYTERLAB_SETTINGS_DIR": f"{home}/lab-settings",
    **json.loads(os.environ.get("HUB_SERVER_ENVIRONMENT", "{}")),
}

c.JupyterHub.services.append({"name": "tests", "api_token": os.environ["HUB_TOKEN"]})
roles = []
if "HUB_SERVICE_URL" in os.environ:
    # A service that is no program of the hub's own: whoever stands at this address signs users in here.
    service = {"name": "panel", "url": os.environ["HUB_SERVICE_URL"], "api_token": os.environ["HUB_SERVICE_TOKEN"]}
    c.JupyterHub.services.append({**service, "oauth_no_confirm": True})
    roles = [{"name": "user", "scopes": ["self", "access:services!service=panel"]}]
if "HUB_CULLER_TOKEN" in os.environ:
    c.JupyterHub.services.append({"name": "culler", "api_token": os.environ["HUB_CULLER_TOKEN"]})
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    roles.append({"name": "culler", "services": ["culler"], "scopes": scopes})
c.JupyterHub.load_roles.extend(
    roles
    + [
        {
            "name": "tests",
            "services": ["tests"],
            "scopes": ["admin:users", "admin:servers", "access:servers", "tokens", "proxy"],
        }
    ]
)
