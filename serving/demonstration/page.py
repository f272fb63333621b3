"""The page itself: its parts, and what each change of one does to the others."""

import dataclasses
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from serving.demonstration import people, photo_part, photos, places, world_map
from serving.demonstration.asking import Asking
from serving.demonstration.countries import NAMES
from serving.demonstration.people import AT_FIRST, PRESETS, Person
from serving.demonstration.photo_part import PhotoPart
from tagkeras.data.cities import CITIES

_DELETE_EVERY_SECONDS = 5 * 60
_DELETE_AFTER_SECONDS = 60 * 60
_PARALLEL_REQUESTS = 8

# Of every event: nothing dims while it is under way, and it is no part of a public API.
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

_COUNTRIES = [("unknown", ""), *((name, code) for code, name in NAMES.items())]
_CITIES = [("unknown", ""), *((name, name) for name in sorted(city.name for city in CITIES))]

# The buttons of the first photos set the number that was pressed.
_CHOOSE_EXAMPLE = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-number]");
  if (!button) return;
  props.value = Number(button.dataset.number);
  trigger("input");
});
"""


@dataclasses.dataclass(frozen=True)
class Controls:
    """The components that describe a person, and the one that shows the answer."""

    answer: gr.HTML
    age: gr.Slider
    age_known: gr.Checkbox
    gender: gr.Radio
    country: gr.Dropdown
    city: gr.Dropdown
    home: gr.HTML

    @property
    def inputs(self) -> list[gr.Slider | gr.Checkbox | gr.Radio | gr.HTML]:
        """Those that `_person` takes the values of."""
        return [self.age, self.age_known, self.gender, self.home]

    @property
    def place(self) -> list[gr.components.Component]:
        """Those that `_place_values` gives the values of."""
        return [self.country, self.city, self.home]


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
        refused = gr.State("")
        gr.HTML(_heading(title), elem_id="heading")
        notice = gr.HTML(elem_id="notice")
        with gr.Row(elem_id="stage", equal_height=False):
            with gr.Column(elem_id="photo-side", min_width=280, scale=3):
                photo = photo_part.build("photo")
                if examples:
                    _example_buttons(examples, photo)
                status = gr.HTML(elem_id="status")
            with gr.Row(elem_id="people", equal_height=False):
                both = [_controls(number, person) for number, person in enumerate(AT_FIRST)]

        def show(path: str | None, before: str, *values: Any) -> list[Any]:
            size = len(both[0].inputs)
            asked = [_person(*values[:size]), _person(*values[size:])]
            shown = asking.show(path, asked, before)
            kept = None if shown.refused else gr.skip()
            still = shown.refused or (before if path is None else "")
            return [*shown.answers, shown.status, shown.notice, kept, still]

        if examples:
            page.load(lambda: str(examples[0]), None, photo, **_QUIET)
        gr.on(
            [page.load, photo.change, *(part.change for one in both for part in one.inputs)],
            show,
            [photo, refused, *(part for one in both for part in one.inputs)],
            [*(one.answer for one in both), status, notice, photo, refused],
            # While one answer is under way, of all changes only the last one waits.
            trigger_mode="always_last",
            concurrency_limit=_PARALLEL_REQUESTS,
            **_QUIET,
        )
        page.queue(api_open=False)
    return page


def _heading(title: str) -> str:
    return (
        f"<h1>{escape(title)}</h1><p>One photo, two people: change either of them and see which "
        "hashtags they would put on it. The coloured ones go to only one of the two.</p>"
    )


def _example_buttons(examples: Sequence[Path], photo: PhotoPart) -> None:
    buttons = "".join(
        f'<button type="button" data-number="{number}" aria-label="Photo {number + 1}">'
        f'<img src="{photos.thumbnail(path)}" alt=""></button>'
        for number, path in enumerate(examples)
    )
    chosen = gr.HTML(html_template=buttons, js_on_load=_CHOOSE_EXAMPLE, elem_id="examples")
    chosen.input(lambda number: str(examples[int(number)]), chosen, photo, **_QUIET)


def _controls(number: int, first: Person) -> Controls:
    """A person's card, at first of somebody; its parts keep one another sound."""
    name = ("First", "Second")[number]
    with gr.Column(elem_classes=["person", f"person-{number + 1}"], min_width=300):
        answer = gr.HTML(elem_classes="answer")
        with gr.Row(elem_classes="presets"):
            buttons = {
                label: gr.Button(label, size="sm", min_width=0, variant="secondary")
                for label in PRESETS
            }
        gender = gr.Radio(people.GENDERS, value=first.gender, label="Gender")
        with gr.Group(elem_classes="age"):
            age_known = gr.Checkbox(first.age_known, label="Age known")
            age = gr.Slider(
                people.YOUNGEST, people.OLDEST, first.age, step=1, label="Age", buttons=[]
            )
        with gr.Row(elem_classes="place"):
            country = gr.Dropdown(
                _COUNTRIES,
                value=first.place.country,
                label="Country",
                min_width=130,
                num_choices_shown=len(_COUNTRIES),
            )
            city = gr.Dropdown(_CITIES, value=first.place.city, label="City", min_width=130)
        home = gr.HTML(
            first.place.to_map(),
            html_template=world_map.picture(
                f"{name} person's home on a map of the world. Click it, or move the mark by the "
                "arrow keys."
            ),
            js_on_load=world_map.SCRIPT,
            elem_classes="home",
        )
    one = Controls(answer, age, age_known, gender, country, city, home)

    age.input(lambda: True, None, age_known, **_QUIET)
    country.input(
        lambda code, shown: _place_values(places.in_country(code, places.from_map(shown))),
        [country, home],
        one.place,
        **_QUIET,
    )
    city.input(
        lambda name, shown: _place_values(places.in_city(name, places.from_map(shown))),
        [city, home],
        one.place,
        **_QUIET,
    )
    home.input(
        _clicked,
        home,
        one.place,
        trigger_mode="always_last",
        **_QUIET,
    )
    for label, button in buttons.items():
        button.click(
            lambda label=label: _person_values(PRESETS[label]),
            None,
            [age, age_known, gender, *one.place],
            **_QUIET,
        )
    return one


def _clicked(shown: Any) -> list[Any]:
    """As `_place_values`; the map is left alone, where it may, for it may have moved on by now."""
    place = places.clicked(shown)
    *lists, home = _place_values(place)
    return [*lists, gr.skip() if place == places.from_map(shown) else home]


def _person(age: float, age_known: bool, gender: str, shown: Any) -> Person:
    return Person(age=age, age_known=age_known, gender=gender, place=places.from_map(shown))


def _person_values(person: Person) -> list[Any]:
    return [person.age, person.age_known, person.gender, *_place_values(person.place)]


def _place_values(place: places.Place) -> list[Any]:
    return [place.country, place.city, place.to_map()]
