"""The people of the world and the exact probabilities of their hashtags, from its tables.

A hashtag y has an inclusion chance

    q(y | picture, user) = 1 - product over the rows that fit of (1 - factor * probability)

where the factor is that of `tables.NUM_THINGS` (1 for the rows of any picture). Hashtags are drawn
independently of each other, and again if none came out, so that

    p(y | picture, user) = q(y) / (1 - product over all hashtags of (1 - q)).
"""

import dataclasses
import functools
import itertools

import numpy as np

from tagkeras.synthetic.tables import (
    AGE_GROUPS,
    CITIES,
    GENDERS,
    HASHTAG_ROWS,
    NUM_THINGS,
    THINGS,
    UNKNOWN,
)

# Indices into THINGS, ascending.
Picture = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Profile:
    """The facts on a user's profile: age in years, home town in degrees; None if left out."""

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
        """Which kinds of users match the words of a row: bool [kinds].

        Countries are alternatives to each other, as are cities, age groups and genders.
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
        """A user: the index of their kind, and their profile."""
        last = len(self.kinds) - 1
        kind = min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), last)
        city, age_group, gender = self.kinds[kind]
        # Tenths of years keep every age inside its group.
        age = int(rng.integers(10 * age_group.first, 10 * age_group.end)) / 10
        numbers = zip(UNKNOWN.items(), rng.random(len(UNKNOWN)), strict=True)
        unknown = {name for (name, share), number in numbers if number < share}
        return kind, Profile(
            age=None if "age" in unknown else age,
            gender=None if "gender" in unknown else gender.name,
            country=None if "country" in unknown else city.country,
            latitude=None if "location" in unknown else city.latitude,
            longitude=None if "location" in unknown else city.longitude,
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


class World:
    """The probabilities of hashtags given picture and user, and their averages over either.

    Attributes:
        hashtags: all of them, in alphabetical order.
        things: the names of what pictures show, the labels for training a CNN.
        population: the kinds of users.
        pictures: every picture there is, as indices of things.
        picture_shares: float64 [pictures], how often each is taken; they sum to one.
    """

    def __init__(self) -> None:
        self.population = Population()
        self.things = tuple(thing.name for thing in THINGS)
        self.hashtags = tuple(sorted({tag for row in HASHTAG_ROWS for tag, _ in row.hashtags}))
        self.pictures, self.picture_shares = _all_pictures()
        self._cumulative = self.picture_shares.cumsum()
        self._pictures_by_size = [
            [picture for picture in self.pictures if len(picture) == n] for n in NUM_THINGS
        ]
        # Chances that the rows leave a hashtag out: those of any picture [kinds, hashtags], those
        # of each thing in a picture of 1, 2, ... things [things, kinds, hashtags].
        shape = (len(self.population.kinds), len(self.hashtags))
        self._left_out = np.ones(shape)
        self._left_out_by_thing = {n: np.ones((len(THINGS), *shape)) for n in NUM_THINGS}
        columns = {hashtag: column for column, hashtag in enumerate(self.hashtags)}
        for row in HASHTAG_ROWS:
            fits = self.population.fit(row.who)
            for hashtag, probability in row.hashtags:
                column = columns[hashtag]
                if row.thing is None:
                    self._left_out[fits, column] *= 1 - probability
                    continue
                for n, (_, factor) in NUM_THINGS.items():
                    self._left_out_by_thing[n][row.thing, fits, column] *= 1 - factor * probability

    def draw_picture(self, rng: np.random.Generator) -> Picture:
        """The things in a picture, by their popularity."""
        index = int(np.searchsorted(self._cumulative, rng.random(), side="right"))
        return self.pictures[min(index, len(self.pictures) - 1)]

    def draw_varied_picture(self, rng: np.random.Generator) -> Picture:
        """A picture of one, two or three things, each number and each set of things equally likely.

        A CNN sees all things about equally often, and more of them than in `draw_picture`.
        """
        pictures = self._pictures_by_size[rng.integers(len(NUM_THINGS))]
        return pictures[rng.integers(len(pictures))]

    def chances(self, picture: Picture, kinds: np.ndarray) -> np.ndarray:
        """Inclusion chances q, float64 [k, hashtags], of some kinds of users, int [k], indices."""
        left_out = self._left_out[kinds]
        for thing in picture:
            left_out = left_out * self._left_out_by_thing[len(picture)][thing, kinds]
        return 1 - left_out

    def given_both(self, picture: Picture, profile: Profile) -> np.ndarray:
        """p(hashtag | picture, profile), float64 [hashtags], averaged over unknown facts."""
        posterior = self.population.posterior(profile)
        return self._average(picture, posterior)

    @functools.cache  # noqa: B019 - a world lives as long as its process
    def given_picture(self, picture: Picture) -> np.ndarray:
        """p(hashtag | picture), float64 [hashtags]: the average over all users."""
        return self._average(picture, self.population.shares)

    @functools.lru_cache(maxsize=1024)  # noqa: B019 - a user's posts follow one another
    def given_user(self, profile: Profile) -> np.ndarray:
        """p(hashtag | profile), float64 [hashtags]: the average over all pictures."""
        return self.population.posterior(profile) @ self._given_kind

    def marginal(self) -> np.ndarray:
        """p(hashtag), float64 [hashtags]: how many posts have it."""
        return self.population.shares @ self._given_kind

    @functools.cached_property
    def hashtag_kinds(self) -> dict[str, str]:
        """What the chance of each hashtag depends on: "image", "user", "both" or "neither".

        "both" are the hashtags whose users differ and whose pictures differ.
        """
        # One thing in the picture is enough: more things bring no other rows.
        chances = self._left_out * self._left_out_by_thing[min(NUM_THINGS)]
        by_picture = np.ptp(chances, axis=0).max(axis=0) > 0
        by_user = np.ptp(chances, axis=1).max(axis=0) > 0
        names = {(0, 0): "neither", (1, 0): "image", (0, 1): "user", (1, 1): "both"}
        return {
            hashtag: names[int(image), int(user)]
            for hashtag, image, user in zip(self.hashtags, by_picture, by_user, strict=True)
        }

    def _average(self, picture: Picture, weights: np.ndarray) -> np.ndarray:
        kinds = np.flatnonzero(weights)
        chances = self.chances(picture, kinds)
        any_hashtag = 1 - np.prod(1 - chances, axis=1)
        return (weights[kinds] / any_hashtag) @ chances

    @functools.cached_property
    def _given_kind(self) -> np.ndarray:
        """p(hashtag | kind of user), float64 [kinds, hashtags], averaged over all pictures.

        With s a picture's share divided by the chance of any hashtag, the average over pictures of
        q / P(any) is sum(s) - sum(s * left out), and what a picture leaves out is a product over
        its things: all pictures of n things that differ in the last one make one matrix product.
        """
        result = np.empty_like(self._left_out)
        for kind, left_out in enumerate(self._left_out):
            total, total_left_out = 0.0, np.zeros_like(left_out)
            for n, by_thing in self._left_out_by_thing.items():
                things = by_thing[:, kind]  # [things, hashtags]
                nothing = things.prod(axis=1)
                first = list(itertools.combinations(range(len(THINGS)), n - 1))
                index = np.array(first, np.intp).reshape(len(first), n - 1)
                weights = self._shares_by_last_thing[n] / (
                    1 - left_out.prod() * np.outer(nothing[index].prod(axis=1), nothing)
                )
                total += weights.sum()
                total_left_out += np.sum(things[index].prod(axis=1) * (weights @ things), axis=0)
            result[kind] = total - left_out * total_left_out
        return result

    @functools.cached_property
    def _shares_by_last_thing(self) -> dict[int, np.ndarray]:
        """Shares of the pictures of n things: [combinations of n - 1 things, last thing]."""
        shares = {}
        for n in NUM_THINGS:
            first = list(itertools.combinations(range(len(THINGS)), n - 1))
            shares[n] = np.zeros((len(first), len(THINGS)))
            rows = {things: row for row, things in enumerate(first)}
            for picture, share in zip(self.pictures, self.picture_shares, strict=True):
                if len(picture) == n:
                    shares[n][rows[picture[:-1]], picture[-1]] = share
        return shares


def _all_pictures() -> tuple[tuple[Picture, ...], np.ndarray]:
    """All sets of things with at most one scene; a set's weight is the product of popularities."""
    pictures: list[Picture] = []
    shares = []
    for n, (share, _) in NUM_THINGS.items():
        sets = [
            things
            for things in itertools.combinations(range(len(THINGS)), n)
            if sum(THINGS[thing].group == "scenes" for thing in things) <= 1
        ]
        weights = np.array([np.prod([THINGS[t].popularity for t in things]) for things in sets])
        pictures += sets
        shares.append(share * weights / weights.sum())
    return tuple(pictures), np.concatenate(shares)
