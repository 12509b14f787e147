#!/usr/bin/env python3
"""A kernel that is small: a process that speaks Jupyter's messaging protocol (5.3) and does one thing.

Whatever it is asked to execute is the path of a file. It prints a numbered line every so often until that file exists, and says at
the end how many there were. Two hundred of ipykernel are more than a test may ask of a machine; their server is Jupyter's own.

    printing_kernel.py CONNECTION_FILE
"""

import hashlib
import hmac
import json
import os
import sys
import time
import uuid

import zmq

EVERY_S = 0.5

with open(sys.argv[1]) as file:
    connection = json.load(file)
key = connection["key"].encode()
session = uuid.uuid4().hex
context = zmq.Context()


def bind(kind, name):
    socket = context.socket(kind)
    socket.linger = 1000
    between = ":" if connection["transport"] == "tcp" else "-"
    socket.bind(f"{connection['transport']}://{connection['ip']}{between}{connection[name]}")
    return socket


shell = bind(zmq.ROUTER, "shell_port")
control = bind(zmq.ROUTER, "control_port")
stdin = bind(zmq.ROUTER, "stdin_port")
iopub = bind(zmq.PUB, "iopub_port")
heartbeat = bind(zmq.REP, "hb_port")


def send(socket, kind, parent, content, identities):
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "session": session,
        "username": "kernel",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "version": "5.3",
    }
    parts = [json.dumps(part).encode() for part in (header, parent, {}, content)]
    signature = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        signature.update(part)
    socket.send_multipart([*identities, b"<IDS|MSG>", signature.hexdigest().encode(), *parts])


def publish(kind, parent, content):
    send(iopub, kind, parent, content, [kind.encode()])


INFO = {
    "status": "ok",
    "protocol_version": "5.3",
    "implementation": "printing",
    "implementation_version": "1",
    "language_info": {"name": "text", "version": "1", "mimetype": "text/plain", "file_extension": ".txt"},
    "banner": "",
}
# Whose server is gone is of no use.
server = os.getppid()
# Whoever asked for what runs, and how far it is.
running = None


def receive(socket):
    global running
    *identities, _, _, header, _, _, content = socket.recv_multipart()
    header, content = json.loads(header), json.loads(content)
    kind = header["msg_type"]
    if kind == "execute_request":
        publish("status", header, {"execution_state": "busy"})
        publish("execute_input", header, {"code": content["code"], "execution_count": 1})
        running = {"header": header, "identities": identities, "file": content["code"], "line": 0, "at": time.monotonic()}
        return
    publish("status", header, {"execution_state": "busy"})
    reply = INFO if kind == "kernel_info_request" else {"status": "ok", "restart": False}
    send(socket, kind.replace("_request", "_reply"), header, reply, identities)
    publish("status", header, {"execution_state": "busy" if running else "idle"})
    if kind == "shutdown_request":
        context.destroy(linger=500)
        sys.exit(0)


def go_on():
    global running
    if time.monotonic() < running["at"]:
        return
    header, line = running["header"], running["line"]
    over = os.path.exists(running["file"])
    text = f"last {line}\n" if over else f"line {line}\n"
    publish("stream", header, {"name": "stdout", "text": text})
    running.update(line=line + 1, at=running["at"] + EVERY_S)
    if over:
        send(shell, "execute_reply", header, {"status": "ok", "execution_count": 1}, running["identities"])
        publish("status", header, {"execution_state": "idle"})
        running = None


poller = zmq.Poller()
for each in (shell, control, stdin, heartbeat):
    poller.register(each, zmq.POLLIN)
while os.getppid() == server:
    wait = 1000 if running is None else max(0, (running["at"] - time.monotonic()) * 1000)
    for each, _ in poller.poll(wait):
        if each is heartbeat:
            heartbeat.send(heartbeat.recv())
        else:
            receive(each)
    if running is not None:
        go_on()
