"""Takes the difference that a user makes to a hashtag apart."""

import dataclasses
import difflib

import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.hashtags import normalize
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.explain.contribution import Contribution
from tagkeras.explain.counterfactuals import embed_for_users
from tagkeras.explain.hashtag_explanation import HashtagExplanation, WithoutFact
from tagkeras.explain.user_descriptors import describe_users
from tagkeras.explain.user_parts import UserParts, split_into_parts
from tagkeras.layers import BilinearEmbedding, UserBiasedEmbedding
from tagkeras.models import HashtagModel


def explain_hashtag(
    model: HashtagModel,
    manifest: Manifest,
    vocabulary: Vocabulary,
    descriptor: np.ndarray,
    hashtag: str,
    user: User,
    *,
    num_contributions: int = 8,
    num_hashtags: int = 5,
) -> HashtagExplanation:
    """Splits what a user changes in a hashtag's score into rank factors, or user features.

    Args:
        model: trained.
        manifest: of its dataset.
        vocabulary: of its workdir.
        descriptor: of the photo, float [n].
        hashtag: as people write it.
        user: to compare with an unknown one.
        num_contributions: to list at most.
        num_hashtags: to name of each at most.

    Raises:
        UserError: the model does not know the hashtag; names the nearest that it knows.
    """
    tag_id = find_hashtag(hashtag, vocabulary)
    fewer_facts = _without_each_fact(user)
    users = [user, UNKNOWN_USER, *fewer_facts.values()]
    scores = model.scores(embed_for_users(model, manifest, descriptor, users)).numpy()
    known, unknown = describe_users(users[:2], manifest)
    countries = manifest.user_descriptor["countries"]
    parts = split_into_parts(model.embedding, descriptor, known, unknown, countries)
    row = tf.gather(model.tag_table.value, tag_id).numpy()
    values, hashtag_values = parts.contributions(row), parts.hashtag_values(row)
    order = np.argsort(-np.abs(values), kind="stable")
    order = order[values[order] != 0]
    listed, others = order[:num_contributions], order[num_contributions:]
    raised = _raised_hashtags(model, vocabulary, parts, listed, num_hashtags)
    return HashtagExplanation(
        hashtag=vocabulary.tags[tag_id],
        user=user,
        model=model_name(model),
        score=float(scores[0, tag_id]),
        unknown_score=float(scores[1, tag_id]),
        rank=_rank(scores[0], tag_id),
        unknown_rank=_rank(scores[1], tag_id),
        num_hashtags=len(vocabulary),
        contributions=tuple(
            Contribution(
                name=parts.names[part],
                value=float(values[part]),
                user_value=float(parts.user_values[part]),
                unknown_value=float(parts.unknown_values[part]),
                image_value=None if parts.image_values is None else float(parts.image_values[part]),
                hashtag_value=float(hashtag_values[part]),
                raised=tags,
            )
            for part, tags in zip(listed, raised, strict=True)
        ),
        num_others=len(others),
        others=float(values[others].sum()),
        without=tuple(
            WithoutFact(fact, float(row[tag_id]), _rank(row, tag_id))
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


def model_name(model: HashtagModel) -> str:
    """`multiplicative`, `user_biased` or `bilinear`."""
    if isinstance(model.embedding, BilinearEmbedding):
        return "bilinear"
    return "user_biased" if isinstance(model.embedding, UserBiasedEmbedding) else "multiplicative"


def _without_each_fact(user: User) -> dict[str, User]:
    """The user with one known fact less, by the fact."""
    facts = {
        "age": ("age",),
        "gender": ("gender",),
        "country": ("country",),
        "home town": ("latitude", "longitude"),
    }
    return {
        fact: dataclasses.replace(user, **dict.fromkeys(fields))
        for fact, fields in facts.items()
        if getattr(user, fields[0]) is not None
    }


def _rank(scores: np.ndarray, tag_id: int) -> int:
    """The place of a hashtag among all, from 1; of equals, the lower id stands first."""
    score = scores[tag_id]
    return 1 + int((scores > score).sum()) + int((scores[:tag_id] == score).sum())


def _raised_hashtags(
    model: HashtagModel,
    vocabulary: Vocabulary,
    parts: UserParts,
    listed: np.ndarray,
    num_hashtags: int,
) -> list[tuple[str, ...]]:
    """Of each listed part the hashtags whose scores it raises most."""
    if not len(listed):
        return []
    # In the sign that the user and the photo give it: a part may raise one end and lower the other.
    directions = parts.directions[:, listed] * np.sign(parts.pushes[listed])
    values = tf.matmul(
        tf.constant(directions.T, tf.float32), model.tag_table.value, transpose_b=True
    )
    best, ids = tf.math.top_k(values, min(num_hashtags, len(vocabulary)))
    return [
        tuple(vocabulary.tags[tag_id] for tag_id, value in zip(*row, strict=True) if value > 0)
        for row in zip(ids.numpy(), best.numpy(), strict=True)
    ]
