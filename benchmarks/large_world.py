"""Posts of a world with millions of hashtags, drawn as fast as training takes them.

An image shows one of many topics, sometimes a second; its descriptor is a noisy random projection
of them. Three hashtags in ten belong to a topic, seven to a topic and a trait of the user: a
country, a gender or an age group. They are Zipf-popular, and ids are in order of popularity.
`benchmarks.planted` has a world whose oracle is known, but which scores all hashtags for each post.
"""

from collections.abc import Iterable

import numpy as np

from benchmarks.planted import AGE_GROUPS, COUNTRIES, GENDERS, NUM_TRAITS
from benchmarks.post_arrays import PostArrays

ZIPF_EXPONENT = 0.9
SECOND_TOPIC = 0.3
MORE_TAGS = 1.7
NOISE = 0.6
# Group 0 of a topic has its hashtags without a trait, the others those with one.
GROUPS = 1 + NUM_TRAITS
KINDS_OF_TRAITS = (len(COUNTRIES), len(GENDERS), len(AGE_GROUPS))
TRAIT_STARTS = np.cumsum((0, *KINDS_OF_TRAITS[:-1]))


class LargeWorld:
    """Topics, hashtags and how they meet.

    Args:
        num_tags: Y.
        topics: things that an image can show.
        descriptor_size: n.
    """

    def __init__(self, num_tags: int, topics: int, descriptor_size: int) -> None:
        rng = np.random.default_rng(0)
        self.num_tags = num_tags
        self.topic_of_tag = rng.integers(topics, size=num_tags)
        with_trait = rng.random(num_tags) < 0.7
        self.group_of_tag = np.where(with_trait, 1 + rng.integers(NUM_TRAITS, size=num_tags), 0)
        popularity = np.arange(1, num_tags + 1, dtype=np.float64) ** -ZIPF_EXPONENT
        self._cumulated = np.cumsum(popularity)
        # Hashtags by topic and group, and the popularity of all before each and of each group.
        place = self.topic_of_tag * GROUPS + self.group_of_tag
        self._by_group = np.argsort(place, kind="stable")
        self._cumulated_by_group = np.cumsum(popularity[self._by_group])
        ends = np.cumsum(np.bincount(place, minlength=topics * GROUPS))
        self._group_bounds = np.concatenate([[0.0], self._cumulated_by_group])[[0, *ends]]
        self.topics = topics
        self._projection = rng.standard_normal((topics, descriptor_size), np.float32)

    def draw_popular(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Ids of so many hashtags by their popularity, with replacement."""
        drawn = rng.random(count) * self._cumulated[-1]
        return np.searchsorted(self._cumulated, drawn, side="right").clip(max=self.num_tags - 1)

    def draw_posts(self, first_tags: np.ndarray, rng: np.random.Generator) -> PostArrays:
        """A post for each of these hashtags, with 1 + Poisson(1.7) of its topic and user, at most.

        Args:
            first_tags: ids [B].
            rng: draws.
        """
        count = len(first_tags)
        topic, group = self.topic_of_tag[first_tags], self.group_of_tag[first_tags]
        traits = np.stack(
            [start + rng.integers(size, size=count) for start, size in _kinds()], axis=1
        )
        kind = np.searchsorted(TRAIT_STARTS, group - 1, side="right") - 1
        rows = np.flatnonzero(group > 0)
        traits[rows, kind[rows]] = group[rows] - 1
        more = rng.poisson(MORE_TAGS, size=count)
        post = np.repeat(np.arange(count), more)
        others = self._draw_of(topic[post], traits[post], rng)
        pairs = np.unique(
            np.stack([np.append(np.arange(count), post), np.append(first_tags, others)]), axis=1
        )
        tags = np.split(pairs[1], np.cumsum(np.bincount(pairs[0], minlength=count))[:-1])
        return PostArrays(self._describe(topic, rng), _describe_users(traits, rng), tags)

    def _draw_of(
        self, topic: np.ndarray, traits: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """A hashtag for each of these topics [B] and traits [B, 3], by popularity."""
        groups = np.concatenate([np.zeros((len(topic), 1), np.int64), 1 + traits], axis=1)
        places = topic[:, None] * GROUPS + groups
        starts, ends = self._group_bounds[places], self._group_bounds[places + 1]
        cumulated = np.cumsum(ends - starts, axis=1)
        drawn = rng.random(len(topic)) * cumulated[:, -1]
        chosen = (drawn[:, None] >= cumulated).sum(axis=1).clip(max=groups.shape[1] - 1)
        row = np.arange(len(topic))
        point = ends[row, chosen] - (cumulated[row, chosen] - drawn)
        place = np.searchsorted(self._cumulated_by_group, point, side="right")
        return self._by_group[place.clip(max=self.num_tags - 1)]

    def _describe(self, topic: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Descriptors of images of these topics, float32 [B, n], of length 1."""
        descriptors = self._projection[topic]
        second = np.flatnonzero(rng.random(len(topic)) < SECOND_TOPIC)
        descriptors[second] += self._projection[rng.integers(self.topics, size=len(second))]
        descriptors += np.float32(NOISE) * rng.standard_normal(descriptors.shape, np.float32)
        descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
        return descriptors


def _kinds() -> Iterable[tuple[int, int]]:
    return zip(TRAIT_STARTS, KINDS_OF_TRAITS, strict=True)


def _describe_users(traits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """User descriptors, float32 [B, 10], of users who tell all but their home town."""
    country, gender, age_group = traits.T - TRAIT_STARTS[:, None]
    users = np.zeros((len(traits), 5 + len(COUNTRIES)), np.float32)
    youngest, oldest = np.array(AGE_GROUPS)[age_group].T
    users[:, 0] = rng.uniform(youngest, oldest) / 100
    users[:, 1] = 2 * gender - 1
    users[np.arange(len(users)), 2 + country] = 1
    users[:, -3:] = 0.5
    return users
