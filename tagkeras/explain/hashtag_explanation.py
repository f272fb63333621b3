"""Why a hashtag ranks higher or lower for a user than for one of whom nothing is known."""

import dataclasses

from tagkeras.data.user import User
from tagkeras.explain.contribution import Contribution


@dataclasses.dataclass(frozen=True)
class WithoutFact:
    """A hashtag's score and rank for a user of whom one thing less is known.

    Attributes:
        fact: `age`, `gender`, `country` or `home town`.
        score: f(x, u', y).
        rank: 1 for the best.
    """

    fact: str
    score: float
    rank: int


@dataclasses.dataclass(frozen=True)
class HashtagExplanation:
    """What raised or lowered a hashtag for a user, against an unknown user.

    The values of `contributions` and `others` add up to `score` - `unknown_score`, up to the
    rounding of the scores, which are float32.

    Attributes:
        hashtag: normalised, without #.
        user: the user.
        model: `multiplicative`, `user_biased` or `bilinear`.
        score: f(x, u, y).
        unknown_score: f(x, u0, y).
        rank: of the hashtag for the user, 1 for the best; ties go to the more frequent one.
        unknown_rank: the same for an unknown user.
        num_hashtags: that are ranked.
        contributions: the largest in absolute value, largest first; none of the bilinear model.
        num_others: parts that are not listed and contribute as well.
        others: what they contribute together.
        without: what the user's score and rank were without each fact that is known.
    """

    hashtag: str
    user: User
    model: str
    score: float
    unknown_score: float
    rank: int
    unknown_rank: int
    num_hashtags: int
    contributions: tuple[Contribution, ...]
    num_others: int
    others: float
    without: tuple[WithoutFact, ...]
