"""Why a hashtag ranks higher or lower for a user than for one of whom nothing is known."""

import dataclasses
import difflib

import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.hashtags import normalize
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.explain.counterfactuals import describe_users, embed_for_users
from tagkeras.explain.user_parts import UserParts, split_into_parts
from tagkeras.models import HashtagModel

# Hashtags that are named for each part.
MAX_RAISED = 5


@dataclasses.dataclass(frozen=True)
class Contribution:
    """A rank factor's share in f(u) - f(u0), or a user feature's.

    `value` = (`user_value` - `unknown_value`) * `image_value` * `hashtag_value`; above 0 it raises
    the hashtag's score for the user.

    Attributes:
        name: "factor 17", counted from 1, or "age", "gender", "country GB", "x", "y", "z".
        user_value: the user's gate (alpha^T h(u))_k, or feature u_l.
        image_value: (gamma^T x)_k, the photo normalised; None of a user feature, which counts
            whatever the photo: leave it out of the product.
        hashtag_value: (beta^T V_y)_k, or <S_l, V_y>.
        raised: the hashtags that this part raises most, for this user and photo, best first.
    """

    name: str
    value: float
    user_value: float
    unknown_value: float
    image_value: float | None
    hashtag_value: float
    raised: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class WithoutFact:
    """A hashtag's score and rank for a user of whom one fact less is known, such as `home town`."""

    fact: str
    score: np.float32
    rank: int


@dataclasses.dataclass(frozen=True)
class HashtagExplanation:
    """What raised or lowered a hashtag for a user, against an unknown user.

    The values of `contributions` and `others` add up to `score` - `unknown_score`, up to the
    rounding of the scores, which are float32.

    Attributes:
        hashtag: normalised, without #.
        score: f(x, u, y); `unknown_score` is f(x, u0, y).
        rank: of `num_hashtags`, 1 for the best; ties go to the more frequent one.
        contributions: the largest in absolute value, largest first; none of the bilinear model.
        num_others: parts that are not listed and contribute as well, together `others`.
        without: what the user's score and rank were without each fact that is known.
    """

    hashtag: str
    user: User
    model: str
    score: np.float32
    unknown_score: np.float32
    rank: int
    unknown_rank: int
    num_hashtags: int
    contributions: tuple[Contribution, ...]
    num_others: int
    others: float
    without: tuple[WithoutFact, ...]


def explain_hashtag(
    model: HashtagModel,
    manifest: Manifest,
    vocabulary: Vocabulary,
    descriptor: np.ndarray,
    hashtag: str,
    user: User,
    *,
    num_contributions: int = 8,
) -> HashtagExplanation:
    """Splits what a user changes in the score of a hashtag, as people write it, into its parts.

    At most `num_contributions` are listed. The photo's descriptor is float [n].

    Raises:
        UserError: the model does not know the hashtag; names the nearest that it knows.
    """
    tag_id = find_hashtag(hashtag, vocabulary)
    fewer_facts = _without_each_fact(user, manifest)
    users = [user, UNKNOWN_USER, *fewer_facts.values()]
    scores = model.scores(embed_for_users(model, manifest, descriptor, users)).numpy()
    known, unknown = describe_users(users[:2], manifest)
    parts = split_into_parts(
        model.embedding, descriptor, known, unknown, manifest.facts.feature_names
    )
    hashtag_values = tf.gather(model.tag_table.value, tag_id).numpy() @ parts.directions
    values = parts.pushes * hashtag_values
    order = np.argsort(-np.abs(values), kind="stable")
    order = order[values[order] != 0]
    listed, others = order[:num_contributions], order[num_contributions:]
    raised = _raised_hashtags(model, vocabulary, parts, listed)
    return HashtagExplanation(
        hashtag=vocabulary.tags[tag_id],
        user=user,
        model=parts.model,
        score=scores[0, tag_id],
        unknown_score=scores[1, tag_id],
        rank=_rank(scores[0], tag_id),
        unknown_rank=_rank(scores[1], tag_id),
        num_hashtags=len(vocabulary),
        contributions=tuple(
            Contribution(
                name=parts.names[part],
                value=float(values[part]),
                user_value=float(parts.user_values[part]),
                unknown_value=float(parts.unknown_values[part]),
                image_value=None if np.isnan(image_value) else float(image_value),
                hashtag_value=float(hashtag_values[part]),
                raised=tags,
            )
            for part, image_value, tags in zip(
                listed, parts.image_values[listed], raised, strict=True
            )
        ),
        num_others=len(others),
        others=float(values[others].sum()),
        without=tuple(
            WithoutFact(fact, row[tag_id], _rank(row, tag_id))
            for fact, row in zip(fewer_facts, scores[2:], strict=True)
        ),
    )


def find_hashtag(hashtag: str, vocabulary: Vocabulary) -> int:
    """The id of a hashtag as people write it.

    Raises:
        UserError: the vocabulary does not have it; names the nearest that it has.
    """
    tag = normalize(hashtag)
    if tag in vocabulary.ids:
        return vocabulary.ids[tag]
    near = difflib.get_close_matches(tag, vocabulary.tags, n=3)
    hint = f" did you mean {' or '.join(f'#{other}' for other in near)}?" if near else ""
    raise UserError(
        f"hashtag {hashtag!r} is not among the {len(vocabulary):,} of the vocabulary:"
        f"{hint or ' vocabulary.tsv of the workdir lists them'}"
    )


def _without_each_fact(user: User, manifest: Manifest) -> dict[str, User]:
    """The user with one known fact less, by the fact, but for those that are masked."""
    return {
        columns.title: user.but(dict.fromkeys(columns.fields))
        for columns in manifest.facts.columns
        if columns.fact not in manifest.masked_facts
        and user.facts.get(columns.fields[0]) is not None
    }


def _rank(scores: np.ndarray, tag_id: int) -> int:
    """The place of a hashtag among all, from 1; of equals, the lower id stands first."""
    score = scores[tag_id]
    return 1 + int((scores > score).sum()) + int((scores[:tag_id] == score).sum())


def _raised_hashtags(
    model: HashtagModel, vocabulary: Vocabulary, parts: UserParts, listed: np.ndarray
) -> list[tuple[str, ...]]:
    """The hashtags whose scores each listed part raises most."""
    # In the sign that the user and the photo give it: a part may raise one end and lower the other.
    directions = parts.directions[:, listed] * np.sign(parts.pushes[listed])
    values = tf.matmul(
        tf.constant(directions.T, tf.float32), model.tag_table.value, transpose_b=True
    )
    best, ids = tf.math.top_k(values, min(MAX_RAISED, len(vocabulary)))
    return [
        tuple(vocabulary.tags[tag_id] for tag_id, value in zip(*row, strict=True) if value > 0)
        for row in zip(ids.numpy(), best.numpy(), strict=True)
    ]
