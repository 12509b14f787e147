"""A page whose callback gives more text than a client's and a server's kernels hold, over a WebSocket."""

import os

import dash
from dash import Input, Output, dcc, html

app = dash.Dash(__name__, backend="fastapi", websocket_callbacks=True)
app.layout = html.Div([dcc.Input(id="number", type="number", value=0), html.Div(id="answer")])
server = app.server


@app.callback(Output("answer", "children"), Input("number", "value"), prevent_initial_call=True)
def answer(_number):
    return [f"piece {number} " + "x" * int(os.environ["BYTES"]) for number in range(int(os.environ["PIECES"]))]
