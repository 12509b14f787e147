"""Panel inside FastAPI: a page with more text than a client's and a server's kernels hold."""

import os

import panel as pn
from fastapi import FastAPI
from panel.io.fastapi import add_application

app = FastAPI()


@app.get("/up")
def up():
    return "up"


@add_application("/panel", app=app, title="panel")
def page():
    texts = (f"piece {number} " + "x" * int(os.environ["BYTES"]) for number in range(int(os.environ["PIECES"])))
    return pn.Column(*(pn.widgets.StaticText(value=text) for text in texts))
