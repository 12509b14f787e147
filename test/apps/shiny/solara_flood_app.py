"""Says more than a client's and a server's kernels hold."""

import os

import solara


@solara.component
def Page():
    with solara.Column():
        for number in range(int(os.environ["PIECES"])):
            solara.Text(f"piece {number} " + "x" * int(os.environ["BYTES"]))
