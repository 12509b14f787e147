"""Says more than a client's and a server's kernels hold."""

import os

import streamlit as st

for number in range(int(os.environ["PIECES"])):
    st.text(f"piece {number} " + "x" * int(os.environ["BYTES"]))
