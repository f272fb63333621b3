"""A person's card: the controls that describe somebody, and the answer above them."""

import dataclasses
from typing import Any

import gradio as gr

from serving.demo import age_part, people, places, world_map
from serving.demo.countries import NAMES
from serving.demo.events import QUIET
from serving.demo.people import PRESETS, Person
from tagkeras.data.cities import CITIES

_COUNTRIES = [("unknown", ""), *((name, code) for code, name in NAMES.items())]
_CITIES = [("unknown", ""), *((name, name) for name in sorted(city.name for city in CITIES))]

# Gradio has no names for groups, and the controls of two people are called alike.
_NAME_GROUP = """
const card = element.closest(".person");
card.setAttribute("role", "group");
card.setAttribute("aria-label", "{name}");
"""


@dataclasses.dataclass(frozen=True)
class PersonPart:
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
        """Those that `person` takes the values of."""
        return [self.age, self.age_known, self.gender, self.home]

    @property
    def place(self) -> list[gr.components.Component]:
        """Those that are changed together when the place is another."""
        return [self.country, self.city, self.home]


def person(age: float | None, age_known: bool, gender: str, shown: Any) -> Person:
    """Whom the values of a part's `inputs` describe."""
    return Person(age=age, age_known=age_known, gender=gender, place=places.from_map(shown))


def build(number: int, first: Person) -> PersonPart:
    """A card whose parts keep one another sound.

    Args:
        number: 0 for the first person, 1 for the second.
        first: who is there at the start.
    """
    name = people.ORDINALS[number]
    with gr.Column(elem_classes=["person", f"person-{number + 1}"], min_width=300):
        answer = gr.HTML(elem_classes="answer", js_on_load=_NAME_GROUP.format(name=name))
        with gr.Column(elem_classes="controls", min_width=0):
            with gr.Row(elem_classes="presets"):
                buttons = {
                    label: gr.Button(label, size="sm", min_width=0, variant="secondary")
                    for label in PRESETS
                }
            gender = gr.Radio(
                people.GENDERS, value=first.gender, label="Gender", elem_classes="gender"
            )
            with gr.Group(elem_classes="age"):
                age_known = gr.Checkbox(first.age_known, label="Age known")
                age = age_part.build(first.age)
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
                    f"{name}'s home on a map of the world. Click it, or move the mark by the "
                    "arrow keys."
                ),
                js_on_load=world_map.SCRIPT,
                elem_classes="home",
            )
    part = PersonPart(answer, age, age_known, gender, country, city, home)
    _connect(part, buttons)
    return part


def _connect(part: PersonPart, buttons: dict[str, gr.Button]) -> None:
    part.age.input(lambda: True, None, part.age_known, **QUIET)
    part.country.input(
        lambda code, shown: _values(places.in_country(code, places.from_map(shown))),
        [part.country, part.home],
        part.place,
        **QUIET,
    )
    part.city.input(
        lambda name, shown: _values(places.in_city(name, places.from_map(shown))),
        [part.city, part.home],
        part.place,
        **QUIET,
    )
    part.home.input(_clicked, part.home, part.place, trigger_mode="always_last", **QUIET)
    for label, button in buttons.items():
        button.click(
            lambda label=label: _all_values(PRESETS[label]),
            None,
            [part.age, part.age_known, part.gender, *part.place],
            **QUIET,
        )


def _clicked(shown: Any) -> list[Any]:
    """As `_values`; the map is left alone, where it may, for it may have moved on by now.

    Where it may not, it is told which click this answers, and takes no answer to an earlier one.
    """
    place = places.clicked(shown)
    *lists, home = _values(place)
    if place == places.from_map(shown):
        return [*lists, gr.skip()]
    return [*lists, {**home, "click": places.click_number(shown)}]


def _all_values(somebody: Person) -> list[Any]:
    return [somebody.age, somebody.age_known, somebody.gender, *_values(somebody.place)]


def _values(place: places.Place) -> list[Any]:
    return [place.country, place.city, place.to_map()]
