"""Writes a notebook for Voilà: widgets with more text than a client's and a server's kernels hold."""

import os
import sys

import nbformat

cell = nbformat.v4.new_code_cell(
    f"""import ipywidgets as widgets
widgets.VBox([widgets.Label(f"piece {{i}} " + "x" * {os.environ["BYTES"]}) for i in range({os.environ["PIECES"]})])"""
)
notebook = nbformat.v4.new_notebook(cells=[cell])
notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
nbformat.write(notebook, sys.argv[1])
