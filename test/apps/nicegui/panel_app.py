"""Panel inside FastAPI: an input that comes back as text."""

import panel as pn
from fastapi import FastAPI
from panel.io.fastapi import add_application

app = FastAPI()


@app.get("/up")
def up():
    return "up"


@add_application("/panel", app=app, title="panel")
def page():
    number, answer = pn.widgets.TextInput(name="number"), pn.widgets.StaticText(value="answer 0")
    number.param.watch(lambda event: setattr(answer, "value", f"answer {event.new}"), "value")
    return pn.Column(number, answer)
