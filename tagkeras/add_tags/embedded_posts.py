"""Posts embedded by a trained model: examples of new tags, and background to tell them from."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tagkeras.data.facts import to_columns
from tagkeras.data.input import named_errors, sample_posts
from tagkeras.data.manifest import Manifest
from tagkeras.data.posts import PostError, parse_descriptor
from tagkeras.data.posts_file import PlacedPost, refuse_bad_posts
from tagkeras.images.cnn.descriptor_model import FOLDER, DescriptorModel
from tagkeras.layers import UserDescriptor
from tagkeras.models import HashtagModel

# With so many posts whose tags are all known, background is taken from these alone.
ENOUGH_KNOWN_POSTS = 1000
_BATCH = 1024


class EmbeddedPosts(NamedTuple):
    """B posts.

    Attributes:
        phi: float32 [B, d].
        tags: the ids of each post's tags.
    """

    phi: np.ndarray
    tags: list[list[int]]


def embed_background(
    dataset: Path, manifest: Manifest, model: HashtagModel, num_posts: int
) -> EmbeddedPosts:
    """Training posts of a dataset that do not have the new tags, as far as is known.

    A post with tags outside the vocabulary may have one that is to be added. Such posts are left
    out, unless hardly any others are left. At most `num_posts` are drawn at random.

    Raises:
        UserError: the dataset is damaged or has no training posts.
    """
    phi, tags, num_unknown = [], [], []
    with named_errors(dataset):
        for batch in sample_posts(dataset, manifest, "train", num_posts, _BATCH):
            phi.append(model(batch).numpy())
            tags += batch["tags"].to_list()
            num_unknown.append(batch["out_of_vocabulary"].numpy())
    rows = np.flatnonzero(np.concatenate(num_unknown) == 0)
    if len(rows) < ENOUGH_KNOWN_POSTS:
        rows = np.arange(len(tags))
    return EmbeddedPosts(np.concatenate(phi)[rows], [tags[row] for row in rows])


def embed_examples(
    path: Path,
    posts: Sequence[PlacedPost],
    *,
    dataset: Path,
    manifest: Manifest,
    model: HashtagModel,
    image_root: Path,
) -> np.ndarray:
    """Phi of the posts of a file, float32 [B, d]; images by the dataset's descriptor model.

    Raises:
        UserError: some posts' images or descriptors cannot be used; the first are named.
    """
    describe = None
    if any(post.descriptor is None for post in posts) and manifest.cnn is not None:
        describe = DescriptorModel.load(dataset / FOLDER)
    descriptors, errors = [], []
    for post in posts:
        try:
            descriptors.append(_describe(post, describe, manifest.descriptor_size, image_root))
        except PostError as error:
            errors.append((post.place, error))
    refuse_bad_posts(path, errors, len(posts))
    users = UserDescriptor(manifest.facts)(to_columns(post.post for post in posts))
    return model({"descriptor": np.stack(descriptors), "user_descriptor": users}).numpy()


def _describe(
    post: PlacedPost, describe: DescriptorModel | None, size: int, image_root: Path
) -> np.ndarray:
    """The descriptor of a post, float32 [n]."""
    image = post.post.image
    if image is None:
        return parse_descriptor(post.descriptor, size)
    if describe is None:
        raise PostError("no_descriptor", "the dataset was made of ready descriptors: give them")
    name = "image_bytes" if isinstance(image, bytes) else image
    try:
        content = image if isinstance(image, bytes) else (image_root / image).read_bytes()
        # One by one, to know which image cannot be decoded.
        return describe(tf.constant([content])).numpy()[0]
    except OSError as error:
        raise PostError("image_missing", f"{name}: {error.strerror}") from error
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        raise PostError("image_unreadable", f"{name}: not an image that can be decoded") from error
