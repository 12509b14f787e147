"""A page with an input that comes back as text."""

import sys

from nicegui import ui


@ui.page("/")
def index():
    answer = ui.label("answer 0")
    ui.input("number", on_change=lambda event: answer.set_text(f"answer {event.value}"))


ui.run(host="127.0.0.1", port=int(sys.argv[1]), show=False, reload=False)
