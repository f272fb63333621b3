"""What the facts of training users say: the values that categories keep, the scales of numbers."""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from beam.preprocess.config import Config
from tagkeras.data.facts import COUNTRY, MAX_CATEGORY_VALUES, FactSchema

# A user's hidden id, then the values of `Config.looked_at`; None is unknown.
Person = tuple[Any, ...]
# By (fact, value) how many users have a value of a category. By (fact, "") how many posts have the
# fact and, of a number, the sum and the sum of squares, in units of float32's smallest number: as
# whole numbers, they do not depend on the order of adding. By ("", "") the number of posts.
Sums = Mapping[tuple[str, str], tuple[int, ...]]
_UNIT_BITS = 149


def sum_up(groups: Iterable[Mapping[Person, int]], config: Config) -> Sums:
    """The sums of people, all of whose posts are in some groups: by person, the number of posts."""
    people: Counter[Person] = Counter()
    for group in groups:
        people.update(group)
    sums: dict[tuple[str, str], tuple[int, ...]] = {("", ""): (people.total(),)}
    for place, name in enumerate(config.looked_at, 1):
        known = [(p[0], p[place], count) for p, count in people.items() if p[place] is not None]
        posts = sum(count for _, _, count in known)
        if name in config.user_numbers:
            units = [(int(math.ldexp(value, _UNIT_BITS)), count) for _, value, count in known]
            total, squares = (sum(count * x**power for x, count in units) for power in (1, 2))
            sums[name, ""] = (posts, total, squares)
        else:
            sums[name, ""] = (posts,)
            users = Counter(value for _, value in {(user, value) for user, value, _ in known})
            sums |= {(name, value): (count,) for value, count in users.items()}
    return sums


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What is known of the training posts of a dataset before its records are made.

    Attributes:
        facts: the schema that users are described by.
        posts: by "" the number of posts for training and, by the names of `Config.looked_at`, of
            those that have the fact.
        fractions: of the users that are in `validation` and in `test`.
    """

    facts: FactSchema
    posts: dict[str, int]
    fractions: dict[str, float]

    @classmethod
    def of(cls, sums: Sums, config: Config, test: float) -> "Statistics":
        """From the sums over all users, without values that few have, and the part in `test`."""
        kept: dict[str, list[str]] = {name: [] for name in config.categories}
        users = {key: terms[0] for key, terms in sums.items() if key[1]}
        for name, value in sorted(users, key=lambda key: (-users[key], key)):
            is_kept = users[name, value] >= config.min_category_users
            if is_kept and len(kept[name]) < MAX_CATEGORY_VALUES:
                kept[name].append(value)
        countries = tuple(kept.pop(COUNTRY.name, config.countries))
        values = {name: tuple(of_category) for name, of_category in kept.items()}
        numbers = {name: _scale(*sums.get((name, ""), (0, 0, 0))) for name in config.user_numbers}
        return cls(
            FactSchema(countries, config.location_decimals, values, numbers),
            {name: sums.get((name, ""), (0,))[0] for name in ("", *config.looked_at)},
            config.fractions(test),
        )

    def to_json(self) -> str:
        """The statistics as a text."""
        return json.dumps({**vars(self), "facts": self.facts.to_dict()})

    @classmethod
    def from_json(cls, text: str) -> "Statistics":
        """The statistics that `to_json` gave the text of."""
        values = json.loads(text)
        return cls(**{**values, "facts": FactSchema.from_dict(values["facts"])})


def _scale(posts: int, total: int, squares: int) -> tuple[float, float]:
    """Mean and standard deviation, rounded once; 1 for the deviation of equal numbers."""
    if not posts:
        return 0.0, 1.0
    variance = Fraction(posts * squares - total**2, posts**2 << 2 * _UNIT_BITS)
    return float(Fraction(total, posts << _UNIT_BITS)), math.sqrt(variance) or 1.0
