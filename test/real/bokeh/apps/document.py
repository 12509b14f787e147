"""A Bokeh application for the compatibility tests: properties, binary buffers and a document of any size.

Query arguments: `payload` makes the document carry so many characters.
"""

import hashlib

import numpy as np
from bokeh.io import curdoc
from bokeh.models import ColumnDataSource, Div, TextInput
from bokeh.plotting import figure

document = curdoc()
arguments = document.session_context.request.arguments
payload = "p" * int(arguments.get("payload", [b"0"])[0])

question = TextInput(name="question", title="Question", value="")
answer = Div(name="answer", text="")
carried = Div(name="carried", text=payload, visible=False)
samples = ColumnDataSource(name="samples", data={"x": np.arange(0.0), "y": np.arange(0.0)})
digest = Div(name="digest", text="")


def reply(_attribute: str, _old: str, new: str) -> None:
    answer.text = f"the server heard {new}"


def measure(_attribute: str, _old: object, new: dict[str, np.ndarray]) -> None:
    """Tells the hash of what arrived, then sends back twice the values."""
    digest.text = hashlib.sha256(np.asarray(new["y"], dtype=np.float64).tobytes()).hexdigest()
    document.add_next_tick_callback(lambda: doubled.data.update(y=np.asarray(new["y"]) * 2))


doubled = ColumnDataSource(name="doubled", data={"y": np.arange(0.0)})
question.on_change("value", reply)
samples.on_change("data", measure)

plot = figure(width=400, height=200)
plot.line("x", "y", source=samples)
for model in (question, answer, digest, carried, plot):
    document.add_root(model)
for source in (samples, doubled):
    document.add_root(source)
document.title = "Document"
