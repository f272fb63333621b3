"""The two people of the page: from its controls to users of the model."""

import dataclasses

from serving.demo import places
from serving.demo.places import Place
from tagkeras.data.facts import GENDERS as KNOWN_GENDERS
from tagkeras.data.user import User

YOUNGEST, OLDEST = 10, 90
GENDERS = ("unknown", *KNOWN_GENDERS)
# What the two are called where there is nothing to see.
ORDINALS = ("First person", "Second person")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Person:
    """What the controls of a person say.

    Attributes:
        age: years; None is unknown; it counts only if `age_known`.
        age_known: whether the model is told.
        gender: one of `GENDERS`.
        place: where the person lives.
    """

    age: float | None = 30
    age_known: bool = False
    gender: str = "unknown"
    place: Place = dataclasses.field(default_factory=Place)

    @property
    def user(self) -> User:
        """The user that the model is asked about. `UserError` for values that cannot be."""
        return User(
            age=self.age if self.age_known else None,
            gender=None if self.gender == "unknown" else self.gender,
            country=self.place.country or None,
            latitude=self.place.latitude,
            longitude=self.place.longitude,
        )

    @property
    def words(self) -> str:
        """Such as `Woman, 20, London, United Kingdom`."""
        noun = {"female": "Woman", "male": "Man"}.get(self.gender, "Person")
        age = f"{self.age:g}" if self.age_known and self.age is not None else ""
        known = [word for word in (age, self.place.words) if word]
        if not known and self.gender == "unknown":
            return "Somebody unknown"
        return ", ".join([noun, *known])


def _somebody(age: int, gender: str, city: str) -> Person:
    return Person(age=age, age_known=True, gender=gender, place=places.in_city(city, Place()))


# The label of the button, and whom it puts there.
PRESETS = {
    "She, 20, London": _somebody(20, "female", "London"),
    "He, 60, Denver": _somebody(60, "male", "Denver"),
    "She, 41, Sydney": _somebody(41, "female", "Sydney"),
    "Nothing known": Person(),
}
AT_FIRST = (PRESETS["She, 20, London"], PRESETS["He, 60, Denver"])
