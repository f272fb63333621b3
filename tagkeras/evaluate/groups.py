"""Groups of people: the posts by age, by gender and by country."""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.evaluated_posts import EvaluatedPosts

AGE_BOUNDS = (18, 25, 35, 45, 55, 65)
UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, eq=False)
class Grouping:
    """A partition of posts.

    Attributes:
        attribute: `age`, `gender` or `country`.
        names: of the groups.
        group: int64 [N], of each post, an index into `names`.
    """

    attribute: str
    names: tuple[str, ...]
    group: np.ndarray


def make_groupings(
    posts: EvaluatedPosts, age_bounds: Sequence[float] = AGE_BOUNDS
) -> list[Grouping]:
    """The posts by age group, by gender and by country; who does not say is a group as well.

    Args:
        posts: of a split.
        age_bounds: years at which an age group begins, rising; the first group is younger.
    """
    return [
        _by_age(posts.age, age_bounds),
        _by_word("gender", posts.gender),
        _by_word("country", posts.country),
    ]


def parse_age_bounds(words: Sequence[str]) -> tuple[float, ...]:
    """The numbers of `--age_groups`.

    Raises:
        UserError: they are no rising ages.
    """
    try:
        bounds = tuple(float(word) for word in words)
    except ValueError:
        bounds = ()
    rising = all(low < high for low, high in zip((0.0, *bounds), (*bounds, 200.0), strict=True))
    if not bounds or not rising:
        raise UserError(f"--age_groups={','.join(words)}: give rising ages in years, as 18,25,35")
    return bounds


def age_group_names(bounds: Sequence[float]) -> tuple[str, ...]:
    """`under 18`, `18 to 24`, ..., `65 and over` for bounds in years."""
    between = [_between(low, high) for low, high in itertools.pairwise(bounds)]
    return (f"under {bounds[0]:g}", *between, f"{bounds[-1]:g} and over")


def name_age_groups(age: np.ndarray, bounds: Sequence[float] = AGE_BOUNDS) -> list[str]:
    """The group of each age in years, one of `age_group_names`; empty for NaN, who does not say."""
    names = (*age_group_names(bounds), "")
    return [names[place] for place in _places(age, bounds)]


def _between(low: float, high: float) -> str:
    last = f"to {high - 1:g}" if float(high).is_integer() else f"to under {high:g}"
    return f"{low:g} {last}" if high - 1 > low or not float(high).is_integer() else f"{low:g}"


def _by_age(age: np.ndarray, bounds: Sequence[float]) -> Grouping:
    names = (*age_group_names(bounds), UNKNOWN)
    return _drop_empty(Grouping("age", names, _places(age, bounds)))


def _places(age: np.ndarray, bounds: Sequence[float]) -> np.ndarray:
    """The place of each age among the groups; that behind the last for NaN."""
    places = np.searchsorted(np.array(bounds, np.float32), age, side="right")
    return np.where(np.isnan(age), len(bounds) + 1, places)


def _by_word(attribute: str, words: Sequence[str]) -> Grouping:
    # The most common first, who does not say last.
    found, group, counts = np.unique(np.array(words), return_inverse=True, return_counts=True)
    order = sorted(range(len(found)), key=lambda i: (found[i] == "", -counts[i], found[i]))
    place = np.argsort(order)
    return Grouping(attribute, tuple(str(found[i]) or UNKNOWN for i in order), place[group])


def _drop_empty(grouping: Grouping) -> Grouping:
    present, group = np.unique(grouping.group, return_inverse=True)
    names = tuple(grouping.names[index] for index in present)
    return Grouping(grouping.attribute, names, group)
