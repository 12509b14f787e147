"""A page with an input that comes back as text."""

from shiny import App, render, ui

app_ui = ui.page_fluid(ui.input_numeric("n", "number", 0), ui.output_text("answer"), ui.input_text_area("text", "text"), ui.output_text("length"))


def server(input, output, session):
    @render.text
    def answer():
        return f"answer {input.n()}"

    @render.text
    def length():
        return f"length {len(input.text())}"


app = App(app_ui, server)
