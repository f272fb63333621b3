"""Baselines: rankings of hashtags without a model, to read a model's metrics beside."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.cli.progress import progress
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.evaluate.groups import number_age_groups
from tagkeras.retrieval import top_k

# Posts of everyone that count beside those of a group: a small group's counts are mostly chance.
PRIOR_POSTS = 100
NEIGHBOURS = 50
_BATCH_SIZE = 512

# Ranks tags for the B posts of a batch, as `tagkeras.data.input.read_split` gives it: int64 [B, k],
# the ids of the best k of each post, best first; -1 where there is none.
Ranker = Callable[[Mapping[str, Any]], np.ndarray]


def make_baselines(
    names: Sequence[str],
    dataset: Path,
    manifest: Manifest,
    *,
    num_tags: int,
    k: int,
    age_bounds: Sequence[float],
    neighbour_posts: int,
) -> dict[str, Ranker]:
    """Makes baselines of `BASELINES`; all but `frequency` read the training posts once.

    They give each post k of the model's Y tags. `age_bounds` are of the demographic baseline,
    `neighbour_posts` is how many training posts the neighbour baseline looks at. They are by their
    names in `metrics.json`, such as `frequency_baseline`.

    Raises:
        UserError: the training posts are damaged or not all there.
    """
    num_posts = manifest.splits["train"]["posts"]
    learning: dict[str, DemographicBaseline | NeighbourBaseline] = {}
    if "demographic" in names:
        masked = manifest.masked_facts
        learning["demographic"] = DemographicBaseline(num_tags, k, age_bounds, masked)
    if "neighbour" in names:
        learning["neighbour"] = NeighbourBaseline(
            num_posts=num_posts, most_posts=neighbour_posts, num_tags=num_tags, k=k
        )
    if learning:
        batches = data_input.read_split(dataset, manifest, "train", _BATCH_SIZE)
        with (
            progress("reading training posts for the baselines", num_posts, "posts") as advance,
            data_input.named_errors(dataset),
        ):
            for batch in batches:
                for baseline in learning.values():
                    baseline.learn(batch)
                advance(len(batch["post_id"]))
    rankers: dict[str, Ranker] = {}
    if "frequency" in names:
        rankers["frequency_baseline"] = functools.partial(rank_by_frequency, k=k)
    return rankers | {f"{name}_baseline": baseline.rank for name, baseline in learning.items()}


def rank_by_frequency(batch: Mapping[str, Any], k: int) -> np.ndarray:
    """The k tags with the most training posts, the same for each post: the first of all ids."""
    return np.tile(np.arange(k), (len(batch["post_id"]), 1))


class DemographicBaseline:
    """The most frequent tags of training users of the same country, gender and age group.

    A tag's share among the posts of the group is smoothed by its share among all posts, which
    counts as `PRIOR_POSTS` posts more:

        (posts of the group with y + PRIOR_POSTS * posts with y / posts) / (posts of the group +
        PRIOR_POSTS)

    Unknown is a value like any other: users without a country are a group. A group without
    training posts gets the most frequent tags of everyone.

    Age groups begin at `age_bounds`, rising years; each post gets k of the `num_tags` tags.
    `masked_facts` say nothing of anybody, and are not looked at.
    """

    def __init__(
        self, num_tags: int, k: int, age_bounds: Sequence[float], masked_facts: Collection[str] = ()
    ) -> None:
        self._num_tags = num_tags
        self._k = k
        self._age_bounds = age_bounds
        self._masked_facts = masked_facts
        self._group_of: dict[tuple[Any, ...], int] = {}
        self._pairs: list[np.ndarray] = []  # group * Y + tag
        self._num_posts = 0

    def learn(self, batch: Mapping[str, Any]) -> None:
        """Adds training posts: `age`, `gender`, `country` and `tags`."""
        groups = np.array(
            [self._group_of.setdefault(key, len(self._group_of)) for key in self._keys(batch)]
        )
        rows, tags = batch["tags"].value_rowids().numpy(), batch["tags"].flat_values.numpy()
        self._pairs.append(groups[rows] * self._num_tags + tags)
        self._num_posts += len(groups)

    def rank(self, batch: Mapping[str, Any]) -> np.ndarray:
        """The best tags of each post's group."""
        unseen = len(self._group_of)
        return self._best[[self._group_of.get(key, unseen) for key in self._keys(batch)]]

    def _keys(self, batch: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        facts = {name: batch[name].numpy() for name in ("country", "gender", "age")}
        facts["age"] = number_age_groups(facts["age"], self._age_bounds)
        for name in self._masked_facts:
            facts[name] = np.zeros_like(facts["age"])
        return list(zip(*(values.tolist() for values in facts.values()), strict=True))

    @functools.cached_property
    def _best(self) -> np.ndarray:
        """The best tags of each group, and in the last row those for groups never seen."""
        keys, counts = np.unique(np.concatenate(self._pairs), return_counts=True)
        self._pairs.clear()
        groups, tags = np.divmod(keys, self._num_tags)
        everyone = np.bincount(tags, counts, self._num_tags)
        # Times the posts of everyone: in whole numbers, equal shares are equal.
        return best_tags(
            groups,
            tags,
            counts * float(self._num_posts),
            num_rows=len(self._group_of) + 1,
            prior=PRIOR_POSTS * everyone,
            k=self._k,
        )


class NeighbourBaseline:
    """Nearest neighbours in descriptor space: their tags, each with its neighbours' similarity.

    A tag's score is the sum of the cosines of those of the `neighbours` nearest training images
    that have it; images at a right angle or beyond do not count. Users play no part in it. The
    most frequent tags of the posts that are looked at fill up the k.

    Of the `num_posts` training posts at most `most_posts` are looked at, drawn at random; the
    search is exact among them.

    References:
        Makadia, Pavlovic and Kumar, "A New Baseline for Image Annotation" (ECCV 2008).
    """

    def __init__(
        self,
        *,
        num_posts: int,
        most_posts: int,
        num_tags: int,
        k: int,
        neighbours: int = NEIGHBOURS,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        self._is_taken = np.ones(num_posts, bool)
        if num_posts > most_posts:
            self._is_taken[rng.permutation(num_posts)[most_posts:]] = False
        self._seen = 0
        self._num_tags = num_tags
        self._k = k
        self._neighbours = neighbours
        self._descriptors: list[np.ndarray] = []
        self._tags: list[tf.RaggedTensor] = []

    def learn(self, batch: Mapping[str, Any]) -> None:
        """Adds training posts, in the order of the split: `descriptor` and `tags`."""
        size = len(batch["descriptor"])
        taken = np.flatnonzero(self._is_taken[self._seen : self._seen + size])
        self._seen += size
        self._descriptors.append(_normalize(batch["descriptor"].numpy()[taken]))
        self._tags.append(tf.gather(batch["tags"], taken))

    def rank(self, batch: Mapping[str, Any]) -> np.ndarray:
        """The best tags by the votes of each image's neighbours."""
        descriptors = _normalize(batch["descriptor"].numpy())
        cosines, posts = (tensor.numpy() for tensor in self._search(descriptors))
        tags = tf.gather(self._tags_of_posts, posts.ravel())
        neighbours = tags.value_rowids().numpy()  # whose tag each is, counted through all rows
        votes = cosines.ravel()[neighbours]
        is_vote = votes > 0
        return best_tags(
            (neighbours // max(posts.shape[1], 1))[is_vote],
            tags.flat_values.numpy()[is_vote],
            votes[is_vote],
            num_rows=len(descriptors),
            prior=self._prior,
            k=self._k,
        )

    @functools.cached_property
    def _tags_of_posts(self) -> tf.RaggedTensor:
        return tf.concat(self._tags, axis=0)

    @functools.cached_property
    def _prior(self) -> np.ndarray:
        """Less than any vote: the order of the tags that have none."""
        counts = np.bincount(self._tags_of_posts.flat_values, minlength=self._num_tags)
        return 1e-9 * counts / max(counts.max(initial=0), 1)

    @functools.cached_property
    def _search(self) -> Callable[[np.ndarray], tuple[tf.Tensor, tf.Tensor]]:
        """The nearest training images of descriptors [B, n]: cosines and numbers, [B, k]."""
        table = tf.constant(np.concatenate(self._descriptors))
        self._descriptors.clear()
        k = min(self._neighbours, len(table))
        return tf.function(lambda queries: top_k(queries, table, k), reduce_retracing=True)


def _normalize(descriptors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return descriptors / np.maximum(norms, 1e-12)


def best_tags(
    rows: np.ndarray,
    tags: np.ndarray,
    votes: np.ndarray,
    *,
    num_rows: int,
    prior: np.ndarray,
    k: int,
) -> np.ndarray:
    """Adds up votes and ranks tags by them, row by row: int64 [R, k], best first.

    Ties go to the lower id. Rows (from 0) and tags (ids) are int [votes], of votes float [votes],
    each above 0; the prior, float [Y], is what every tag has in every row beside its votes.
    """
    # Only tags with votes and the k best of the prior are looked at: of the tags without votes, no
    # other can be among the best k of a row.
    num_tags = len(prior)
    common = np.argsort(-prior, kind="stable")[:k]
    everywhere = (np.arange(num_rows)[:, None] * num_tags + common).ravel()
    keys = np.concatenate([rows.astype(np.int64) * num_tags + tags, everywhere])
    keys, place = np.unique(keys, return_inverse=True)
    totals = np.bincount(place, np.concatenate([votes, np.zeros(len(everywhere))]), len(keys))
    row_of, tag_of = np.divmod(keys, num_tags)
    order = np.lexsort([tag_of, -(totals + prior[tag_of]), row_of])
    starts = np.searchsorted(row_of[order], np.arange(num_rows))
    return tag_of[order][starts[:, None] + np.arange(k)]
