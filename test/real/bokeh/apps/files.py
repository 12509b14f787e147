"""A Panel application for the compatibility tests: files up and down, each with its size and SHA-256 on the page."""

import hashlib
import io

import panel as pn

pn.extension("filedropper")

MB = 1_000_000


def describe(label: str, data: bytes) -> str:
    return f"{label} {len(data)} {hashlib.sha256(data).hexdigest()}"


def content(size: int) -> bytes:
    """Bytes without a short period, the same in every process."""
    block = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(32_768))
    return (block * (size // len(block) + 1))[:size]


chosen = pn.widgets.FileInput(name="FileInput")
chosen_text = pn.widgets.StaticText(name="FileInput", value="nothing yet")
dropped = pn.widgets.FileDropper(name="FileDropper", previews=[])
dropped_text = pn.widgets.StaticText(name="FileDropper", value="nothing yet")
download_text = pn.widgets.StaticText(name="FileDownload", value=describe("offered", content(50 * MB)))
download = pn.widgets.FileDownload(
    callback=lambda: io.BytesIO(content(50 * MB)), filename="fifty.bin", label="Download 50 MB", button_type="primary"
)


def received(event) -> None:
    if event.new is not None:
        chosen_text.value = describe("received", event.new)


def put(event) -> None:
    for data in event.new.values():
        dropped_text.value = describe("received", data if isinstance(data, bytes) else data.encode())


chosen.param.watch(received, "value")
dropped.param.watch(put, "value", onlychanged=False)

pn.Column(
    "# Files through a WebSocket",
    pn.Row(chosen, chosen_text),
    pn.Row(dropped, dropped_text),
    pn.Row(download, download_text),
    width=900,
).servable(title="Files")
