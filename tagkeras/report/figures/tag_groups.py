"""Three groups of hashtags that tell what the users' part of a model is good for."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pyarrow as pa


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TagGroup:
    """T hashtags and how each model recalls them.

    Attributes:
        key: `frequent`, `bilinear_best` or `multiplicative_gains`.
        title: what the group is, for people.
        ids: int64 [T], of the vocabulary.
        tags: without #.
        posts: int64 [T], posts of the split that have the tag.
        recall: by name of the model, float64 [T], the share of those posts whose top k has the tag.
        k: of the recall.
    """

    key: str
    title: str
    ids: np.ndarray
    tags: tuple[str, ...]
    posts: np.ndarray
    recall: Mapping[str, np.ndarray]
    k: int

    @property
    def means(self) -> dict[str, float]:
        """By name of the model, the mean recall of the group's hashtags."""
        return {name: float(recall.mean()) for name, recall in self.recall.items()}


def select_tag_groups(
    tables: Mapping[str, pa.Table], *, k: int = 10, size: int = 20, min_posts: int = 10
) -> tuple[TagGroup, TagGroup, TagGroup]:
    """Chooses the most frequent tags, bilinear's best and those where multiplicative gains most.

    The gain is multiplicative's recall less bilinear's. Ties go to the more frequent tag. A group
    is smaller where fewer tags qualify; a tag without a gain is in no group of gains.

    Args:
        tables: by name of the model, `tags.parquet` of its evaluation; `bilinear` and
            `multiplicative` must be there, others are carried along.
        k: of the recall.
        size: hashtags in a group.
        min_posts: of the split, that a hashtag must have: the recall of few posts is noise.

    Raises:
        ValueError: a table is missing or of another vocabulary or split, or no hashtag qualifies.

    References:
        Denton et al., KDD 2015, the bars of Recall@10.
    """
    if missing := {"bilinear", "multiplicative"} - set(tables):
        raise ValueError(f"groups of hashtags need an evaluation of {min(missing)}")
    first = tables["bilinear"]
    tags, posts = first.column("tag").to_pylist(), first.column("truth").to_numpy()
    for name, table in tables.items():
        if f"recall@{k}" not in table.column_names:
            raise ValueError(f"the evaluation of {name} has no recall@{k} of hashtags")
        if table.column("tag").to_pylist() != tags or not np.array_equal(
            table.column("truth").to_numpy(), posts
        ):
            raise ValueError(f"the evaluations of bilinear and {name} are of different posts")
    counts = first.column("count").to_numpy()
    recall = {
        name: table.column(f"recall@{k}").to_numpy().astype(np.float64)
        for name, table in tables.items()
    }
    eligible = np.flatnonzero(posts >= max(1, min_posts))
    if len(eligible) == 0:
        raise ValueError(f"no hashtag is on {min_posts} posts of the split")
    gain = recall["multiplicative"] - recall["bilinear"]

    def group(key: str, title: str, rows: np.ndarray, value: np.ndarray) -> TagGroup:
        # By the value, then by how frequent, then by id.
        best = rows[np.lexsort((rows, -counts[rows], -value[rows]))][:size]
        return TagGroup(
            key=key,
            title=title,
            ids=first.column("id").to_numpy()[best],
            tags=tuple(tags[row] for row in best),
            posts=posts[best],
            recall={name: values[best] for name, values in recall.items()},
            k=k,
        )

    gaining = eligible[gain[eligible] > 0]
    if len(gaining) == 0:
        raise ValueError(f"multiplicative recalls no hashtag of {min_posts} posts better")
    return (
        group("frequent", "the most frequent hashtags", eligible, counts),
        group("bilinear_best", "hashtags that bilinear recalls best", eligible, recall["bilinear"]),
        group("multiplicative_gains", "hashtags where multiplicative gains most", gaining, gain),
    )
