"""The people of the world: every kind of user there is, and the profiles that they show."""

import dataclasses
import functools
import itertools

import numpy as np

from tagkeras.synthetic import tables
from tagkeras.synthetic.rows import AGE_GROUPS, CITIES, GENDERS


@dataclasses.dataclass(frozen=True)
class Profile:
    """What a user says: age in years, gender, country, home town in degrees; None if not said."""

    age: float | None = None
    gender: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class Population:
    """The kinds of users: all combinations of city, age group and gender.

    Attributes:
        kinds: (city, age group, gender) of each kind.
        shares: float64 [kinds], of the users; they sum to one.
    """

    def __init__(self) -> None:
        self.kinds = tuple(itertools.product(CITIES, AGE_GROUPS, GENDERS))
        weights = np.array(
            [city.population * age.share * gender.share for city, age, gender in self.kinds]
        )
        self.shares = weights / weights.sum()
        self._cumulative = self.shares.cumsum()

    def fit(self, who: frozenset[str]) -> np.ndarray:
        """Which kinds of users the words of a row mean: bool [kinds].

        Words of one kind (countries, cities, age groups, genders) are alternatives.
        """
        fitting = np.ones(len(self.kinds), bool)
        for words in (
            [city.country for city, _, _ in self.kinds],
            [city.name for city, _, _ in self.kinds],
            [age.name for _, age, _ in self.kinds],
            [gender.word for _, _, gender in self.kinds],
        ):
            if who & set(words):
                fitting &= np.array([word in who for word in words])
        return fitting

    def draw(self, rng: np.random.Generator) -> tuple[int, Profile]:
        """A user: the index of their kind, and the profile that they show."""
        last = len(self.kinds) - 1
        kind = min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), last)
        city, age_group, gender = self.kinds[kind]
        # Tenths of years keep every age inside its group.
        age = int(rng.integers(10 * age_group.first, 10 * age_group.end)) / 10
        says = dict(zip(tables.UNKNOWN, rng.random(len(tables.UNKNOWN)), strict=True))
        says_not = {name for name, chance in says.items() if chance < tables.UNKNOWN[name]}
        knows_place = "location" not in says_not
        return kind, Profile(
            age=None if "age" in says_not else age,
            gender=None if "gender" in says_not else gender.name,
            country=None if "country" in says_not else city.country,
            latitude=city.latitude if knows_place else None,
            longitude=city.longitude if knows_place else None,
        )

    @functools.lru_cache(maxsize=1024)  # noqa: B019 - a user's posts follow one another
    def posterior(self, profile: Profile) -> np.ndarray:
        """The probability of each kind given a profile: float64 [kinds], sums to one."""
        fits = np.array(
            [
                (profile.age is None or age.first <= profile.age < age.end)
                and profile.gender in (None, gender.name)
                and profile.country in (None, city.country)
                and profile.latitude in (None, city.latitude)
                and profile.longitude in (None, city.longitude)
                for city, age, gender in self.kinds
            ]
        )
        weights = self.shares * fits
        return weights / weights.sum()
