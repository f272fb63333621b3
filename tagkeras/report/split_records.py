"""What the records of a split say that its evaluation does not: descriptors."""

import dataclasses
from collections.abc import Collection
from pathlib import Path

import numpy as np

from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest

_BATCH_SIZE = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class SplitRecords:
    """Of the posts of a split.

    Attributes:
        image_descriptors: float32 [n] by post id, of the posts that were asked for.
        user_ids: of all users, in the order of their first posts.
        user_descriptors: float32 [U, m], of their first posts.
        first_posts: int64 [U], the rows of these posts in the split.
    """

    image_descriptors: dict[str, np.ndarray]
    user_ids: tuple[str, ...]
    user_descriptors: np.ndarray
    first_posts: np.ndarray


def read_records(
    dataset: Path, manifest: Manifest, split: str, post_ids: Collection[str] = ()
) -> SplitRecords:
    """Reads a split once.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.
        split: `train`, `validation` or `test`.
        post_ids: of posts whose image descriptors are wanted.

    Raises:
        UserError: the split has no posts, or the dataset is damaged.
    """
    wanted = frozenset(post_ids)
    images: dict[str, np.ndarray] = {}
    users: dict[str, np.ndarray] = {}
    first_posts: list[int] = []
    row = 0
    with data_input.named_errors(dataset):
        for batch in data_input.read_split(dataset, manifest, split, _BATCH_SIZE):
            descriptors = batch["descriptor"].numpy()
            described = batch["user_descriptor"].numpy()
            ids = [post_id.decode() for post_id in batch["post_id"].numpy()]
            for place, user in enumerate(batch["user_id"].numpy()):
                if ids[place] in wanted:
                    images[ids[place]] = descriptors[place].astype(np.float32)
                if (user_id := user.decode()) not in users:
                    users[user_id] = described[place]
                    first_posts.append(row + place)
            row += len(ids)
    return SplitRecords(
        images, tuple(users), np.stack(list(users.values())), np.array(first_posts, np.int64)
    )
