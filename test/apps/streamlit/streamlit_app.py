"""A page with an input that comes back as text, and one that takes a file."""

import streamlit as st

st.write(f"answer {st.number_input('number', value=0)}")
file = st.file_uploader("file")
st.write(f"{len(file.getvalue())} bytes" if file else "nothing")
