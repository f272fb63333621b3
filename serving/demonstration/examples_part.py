"""The photos to begin with, as buttons."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from serving.demonstration import photos
from serving.demonstration.events import QUIET
from serving.demonstration.photo_part import PhotoPart

# The buttons set the number that was pressed.
_CHOOSE = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-number]");
  if (!button) return;
  props.value = Number(button.dataset.number);
  trigger("input");
});
"""


def build(examples: Sequence[Path], photo: PhotoPart) -> gr.HTML:
    """Buttons that put photos into a part."""
    buttons = "".join(
        f'<button type="button" data-number="{number}" aria-label="{_literally(path.stem)}">'
        f'<img src="{photos.thumbnail(path)}" alt=""></button>'
        for number, path in enumerate(examples)
    )
    chosen = gr.HTML(html_template=buttons, js_on_load=_CHOOSE, elem_id="examples")
    chosen.input(lambda number: _example(examples, number), chosen, photo, **QUIET)
    return chosen


def _example(examples: Sequence[Path], number: Any) -> Any:
    """The photo of a number; a browser may send anything, which changes nothing."""
    if isinstance(number, int) and 0 <= number < len(examples):
        return str(examples[number])
    return gr.skip()


def _literally(text: str) -> str:
    """Text as it stands: a template of Gradio is HTML, JavaScript's and Handlebars' at once."""
    return "".join(letter if letter.isalnum() else f"&#{ord(letter)};" for letter in text)
