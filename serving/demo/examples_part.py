"""The photos to begin with, as buttons."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from serving.demo import photos
from serving.demo.events import QUIET
from serving.demo.photo_part import PhotoPart

# The buttons set the number that was pressed.
_CHOOSE = """
function show() {
  for (const button of element.querySelectorAll("button[data-number]"))
    button.setAttribute("aria-pressed", button.dataset.number === String(props.value));
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-number]");
  if (!button) return;
  props.value = Number(button.dataset.number);
  show();
  trigger("input");
});

watch("value", show);
show();
"""
# The number is left alone: it may be another one by now, on its way to the server.
_NONE_PRESSED = """() => {
  for (const button of document.querySelectorAll("#examples button[data-number]"))
    button.setAttribute("aria-pressed", "false");
}"""


def build(examples: Sequence[Path], photo: PhotoPart) -> gr.HTML:
    """Buttons that put photos into a part; the first one is there at the start."""
    buttons = "".join(
        f'<button type="button" data-number="{number}" aria-label="Example photo {number + 1}">'
        f'<img src="{photos.thumbnail(path)}" alt=""></button>'
        for number, path in enumerate(examples)
    )
    chosen = gr.HTML(0, html_template=buttons, js_on_load=_CHOOSE, elem_id="examples")
    chosen.input(lambda number: _example(examples, number), chosen, photo, **QUIET)
    photo.input(None, None, None, js=_NONE_PRESSED, **QUIET)  # one of the visitor's own
    return chosen


def _example(examples: Sequence[Path], number: Any) -> Any:
    """The photo of a number; a browser may send anything, which changes nothing."""
    if isinstance(number, int) and 0 <= number < len(examples):
        return str(examples[number])
    return gr.skip()
