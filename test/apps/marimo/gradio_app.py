"""A page with a button that counts for a while, and one that takes a file."""

import os
import sys
import time

import gradio as gr


def count(to):
    for second in range(int(to)):
        time.sleep(1)
        yield f"answer {second + 1}"


def size(file):
    return f"{os.path.getsize(file)} bytes" if file else "nothing"


with gr.Blocks() as demo:
    to, out = gr.Number(1, label="to"), gr.Textbox(label="out")
    gr.Button("count").click(count, to, out)
    file, read = gr.File(label="file"), gr.Textbox(label="read")
    file.upload(size, file, read)

demo.queue().launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), share=False)
