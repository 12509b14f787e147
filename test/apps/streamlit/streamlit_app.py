"""A page with an input that comes back as text."""

import streamlit as st

st.write(f"answer {st.number_input('number', value=0)}")
