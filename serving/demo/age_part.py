"""Where an age is slid or written."""

import math
from typing import Any

import gradio as gr

from serving.demo.people import OLDEST, YOUNGEST
from serving.demo.stub_files import without_stub_files

with without_stub_files():

    class AgePart(gr.Slider):
        """A slider whose field may be empty: `gr.Slider` fails for one that was cleared."""

        is_template = True  # to the browser it is a `gr.Slider`

        def preprocess(self, payload: Any) -> float | None:  # type: ignore[override]
            """Years; None for what is no number."""
            number = isinstance(payload, (int, float)) and not isinstance(payload, bool)
            return payload if number and math.isfinite(payload) else None


def build(first: float | None) -> AgePart:
    """The part of a person's card, at first with an age."""
    return AgePart(YOUNGEST, OLDEST, first, step=1, label="Age", buttons=[])
