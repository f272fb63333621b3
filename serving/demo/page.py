"""The page itself: its parts, and what each change of one does to the others."""

import asyncio
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import anyio.from_thread
import gradio as gr

from serving.demo import examples_part, person_part, photo_part
from serving.demo.asking import Asking, RefusedPhoto, Shown
from serving.demo.bounded_calls import BoundedCalls, CrowdedError
from serving.demo.events import QUIET
from serving.demo.people import AT_FIRST

_DELETE_EVERY_SECONDS = 5 * 60
_DELETE_AFTER_SECONDS = 60 * 60
_PARALLEL_QUESTIONS = 8
_WAITING_QUESTIONS = 64
_ENDED = "This page has ended."

# The line that tells which model answered says too that one is asked.
_STATUS = 'element.setAttribute("role", "status");'
_BUSY = """(...values) => {
  document.querySelector("#status [role=status]")?.setAttribute("aria-busy", "true");
  return values;
}"""
_DONE = """() => {
  document.querySelector("#status [role=status]")?.removeAttribute("aria-busy");
}"""


def build(asking: Asking, title: str, examples: Sequence[Path]) -> gr.Blocks:
    """The page.

    Args:
        asking: gives the answers.
        title: its heading.
        examples: photos to choose from; the first one is there at the start.
    """
    with gr.Blocks(
        title=title,
        analytics_enabled=False,
        delete_cache=(_DELETE_EVERY_SECONDS, _DELETE_AFTER_SECONDS),
    ) as page:
        refused = gr.State(None)
        gr.HTML(_heading(title), elem_id="heading")
        notice = gr.HTML(elem_id="notice")
        with gr.Row(elem_id="stage", equal_height=False):
            with gr.Column(elem_id="photo-side", min_width=280, scale=3):
                photo = photo_part.build("photo")
                if examples:
                    examples_part.build(examples, photo)
                status = gr.HTML(elem_id="status", js_on_load=_STATUS)
            with gr.Row(elem_id="people", equal_height=False):
                both = [person_part.build(*one) for one in enumerate(AT_FIRST)]
        inputs = [part for one in both for part in one.inputs]

        calls = BoundedCalls(_PARALLEL_QUESTIONS, _WAITING_QUESTIONS)

        async def show(
            visitor: gr.Request, path: str | None, before: RefusedPhoto | None, *values: Any
        ) -> list[Any]:
            size = len(both[0].inputs)
            people = [person_part.person(*values[:size]), person_part.person(*values[size:])]
            chosen = path or ""

            def ask() -> Shown:
                request = visitor.request
                if request is not None and anyio.from_thread.run(request.is_disconnected):
                    return asking.put_off(people)  # nobody sees it
                return asking.ask(chosen, people)

            try:
                shown = asking.known(chosen, people, before)
                if shown is None:
                    shown = await calls.run(ask)
            except CrowdedError:
                shown = asking.put_off(people)
            except asyncio.CancelledError as error:
                # The page ends. Gradio would print this one with all the calls that led to it.
                raise gr.Error(_ENDED, print_exception=False) from error
            return [*shown.answers, shown.status, shown.notice, shown.refused]

        if examples:
            page.load(lambda: str(examples[0]), None, photo, **QUIET)
        # The photo is never set here: by the time of an answer there may be another one.
        asked = gr.on(
            [page.load, photo.change, *(part.change for part in inputs)],
            show,
            [photo, refused, *inputs],
            [*(one.answer for one in both), status, notice, refused],
            js=_BUSY,
            # While one answer is under way, of all changes only the last one waits.
            trigger_mode="always_last",
            **QUIET,
        )
        asked.then(None, None, None, js=_DONE, **QUIET)
        page.queue(api_open=False)
    return page


def _heading(title: str) -> str:
    return (
        f"<h1>{escape(title)}</h1><p>One photo, two people: change either of them and see which "
        "hashtags they would put on it. The coloured ones go to only one of the two.</p>"
    )
