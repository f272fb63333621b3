"""Recall of three groups of hashtags, which show where knowing the user helps."""

import collections
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from tagkeras.data.hashtags import KINDS, read_hashtag_kinds
from tagkeras.report import formats
from tagkeras.report.drawing import Estimate, Row, draw_rows
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.runs import BILINEAR, MULTIPLICATIVE, RunGroup
from tagkeras.report.style import label_of


class TagGroup(NamedTuple):
    """T hashtags, the posts of the split that have them, int64 [T], and their recall.

    That is by run, float64 [T], the share of those posts whose top k has the hashtag.
    """

    title: str
    tags: tuple[str, ...]
    posts: np.ndarray
    recall: Mapping[str, np.ndarray]


def build(inputs: Inputs, group: RunGroup) -> dict[str, Any]:
    """Mean recall of the groups, recall of each hashtag, and what these hashtags depend on."""
    bilinear, multiplicative = group.of_model(BILINEAR), group.of_model(MULTIPLICATIVE)
    if bilinear is None or multiplicative is None:
        raise Omitted("it compares a bilinear with a multiplicative run: add them.")
    k, name = group.ks[-1], formats.slug(group.name)
    tag_groups = select_tag_groups(group.tag_tables, bilinear, multiplicative, k=k)
    means = {
        f"{len(tag_group.tags)} {tag_group.title}": [
            Row(label_of(run), {run: Estimate(recall.mean())}, formats.percent(recall.mean()))
            for run, recall in tag_group.recall.items()
        ]
        for tag_group in tag_groups.values()
    }
    title, x_label = f"Recall@{k} of three groups of hashtags", f"mean Recall@{k} of the hashtags"
    figure = draw_rows(means, title=title, x_label=x_label, bars=True)
    path = inputs.config.hashtag_kinds
    return {
        "k": k,
        "figure": inputs.figures.add(figure, f"tag-groups-{name}"),
        "single": [
            inputs.figures.add(_draw_group(tag_group, k), f"tag-group-{name}-{key}")
            for key, tag_group in tag_groups.items()
        ],
        "kinds": _count_kinds(Path(path), group, tag_groups["gains"]) if path else [],
    }


def select_tag_groups(
    tables: Mapping[str, pa.Table],
    bilinear: str,
    multiplicative: str,
    *,
    k: int = 10,
    size: int = 20,
    min_posts: int = 10,
) -> dict[str, TagGroup]:
    """The most frequent tags, bilinear's best, and those where multiplicative gains most over it.

    They are `frequent`, `bilinear` and `gains`, of `size` tags in Recall@k, from `tags.parquet` of
    runs on the same posts, two of which are named. Ties go to the more frequent tag. A group is
    smaller where fewer tags qualify: the recall of fewer than `min_posts` posts is noise, and a tag
    without a gain is in no group of gains.

    Raises:
        Omitted: no hashtag qualifies.

    References:
        Denton et al., KDD 2015, the bars of Recall@10.
    """
    first = tables[bilinear]
    tags, posts = first.column("tag").to_pylist(), first.column("truth").to_numpy()
    counts = first.column("count").to_numpy()
    recall = {
        name: table.column(f"recall@{k}").to_numpy(zero_copy_only=False).astype(np.float64)
        for name, table in tables.items()
    }
    eligible = np.flatnonzero(posts >= min_posts)
    gain = recall[multiplicative] - recall[bilinear]
    gaining = eligible[gain[eligible] > 0]
    if len(eligible) == 0:
        raise Omitted(f"no hashtag is on {min_posts} posts of the split.")
    if len(gaining) == 0:
        raise Omitted(f"multiplicative recalls no hashtag of {min_posts} posts better.")

    def best(title: str, rows: np.ndarray, value: np.ndarray) -> TagGroup:
        rows = rows[np.lexsort((rows, -counts[rows], -value[rows]))][:size]
        of_rows = {name: values[rows] for name, values in recall.items()}
        return TagGroup(title, tuple(tags[row] for row in rows), posts[rows], of_rows)

    return {
        "frequent": best("most frequent hashtags", eligible, counts),
        "bilinear": best("hashtags that bilinear recalls best", eligible, recall[bilinear]),
        "gains": best("hashtags where multiplicative gains most", gaining, gain),
    }


def _draw_group(tag_group: TagGroup, k: int) -> Figure:
    """The figure of a group, hashtag by hashtag."""
    rows = [
        Row(
            formats.shorten(f"#{tag}", 22),
            {run: Estimate(recall[number]) for run, recall in tag_group.recall.items()},
            formats.compact(tag_group.posts[number]),
        )
        for number, tag in enumerate(tag_group.tags)
    ]
    x_label = f"Recall@{k}: share of a hashtag's posts whose top {k} has it"
    note = "At the right: posts of the hashtag."
    title = f"Recall@{k} of {tag_group.title}"
    return draw_rows({"": rows}, title=title, x_label=x_label, note=note, bars=True)


def _count_kinds(path: Path, group: RunGroup, gains: TagGroup) -> dict[str, tuple[str, int, int]]:
    """By kind: its meaning, and how many hashtags have it among the gains and in the vocabulary."""
    kinds = read_hashtag_kinds(path)
    among_gains, everywhere = (
        collections.Counter(kinds.get(tag, "unlisted") for tag in tags)
        for tags in (gains.tags, group.vocabulary.tags)
    )
    meanings = {**KINDS, "unlisted": "not in the file"}
    return {
        kind: (meaning, among_gains[kind], everywhere[kind])
        for kind, meaning in meanings.items()
        if everywhere[kind]
    }
