"""A page with an input that comes back as text: callbacks over HTTP (Flask), or over a WebSocket (FastAPI)."""

import os

import dash
from dash import Input, Output, dcc, html

sockets = os.environ.get("CALLBACKS") == "websocket"
app = dash.Dash(__name__, **({"backend": "fastapi", "websocket_callbacks": True} if sockets else {}))
app.layout = html.Div(
    [dcc.Input(id="number", type="number", value=0), html.Div(id="answer"), dcc.Store(id="text"), html.Div(id="length")]
)
server = app.server


@app.callback(Output("answer", "children"), Input("number", "value"))
def answer(number):
    return f"answer {number}"


@app.callback(Output("length", "children"), Input("text", "data"), prevent_initial_call=True)
def length(text):
    return f"{len(text)} characters"


if __name__ == "__main__":
    import sys

    app.run(host="127.0.0.1", port=int(sys.argv[1]))
