"""A page with an input that comes back as text."""

import solara

number = solara.reactive("0")


@solara.component
def Page():
    solara.InputText("number", value=number)
    solara.Text(f"answer {number.value}")
