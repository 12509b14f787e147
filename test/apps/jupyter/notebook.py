"""Writes the notebook that Voilà shows: an input that comes back as text."""

import sys

import nbformat

cell = nbformat.v4.new_code_cell(
    """import ipywidgets as widgets
number, answer = widgets.IntText(description="number"), widgets.Label("answer 0")
number.observe(lambda change: setattr(answer, "value", f"answer {change.new}"), "value")
widgets.VBox([number, answer])"""
)
notebook = nbformat.v4.new_notebook(cells=[cell])
notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
nbformat.write(notebook, sys.argv[1])
