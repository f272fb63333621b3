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
# Times that each example is embedded: as its user is told and with more facts of them, in turn.
COPIES = 8
_BATCH = 1024


class EmbeddedPosts(NamedTuple):
    """B posts.

    Attributes:
        phi: float32 [B, d].
        tags: the ids of each post's tags.
    """

    phi: np.ndarray
    tags: list[list[int]]


def describe_users(posts: Sequence[PlacedPost], manifest: Manifest) -> np.ndarray:
    """Descriptors of the users of posts that have the dataset's facts, float32 [B, m]."""
    facts = manifest.facts
    return UserDescriptor(facts)(to_columns((p.post for p in posts), facts.facts)).numpy()


def embed_background(
    dataset: Path,
    manifest: Manifest,
    model: HashtagModel,
    num_posts: int,
    users: np.ndarray,
    seed: int = 0,
) -> tuple[EmbeddedPosts, np.ndarray]:
    """Training posts of a dataset that do not have the new tags, as far as is known.

    A post with tags outside the vocabulary may have one that is to be added. Such posts are left
    out, unless hardly any others are left. At most `num_posts` are drawn at random. Of every second
    one, the facts are hidden that some example does not tell: those who tell as little are
    elsewhere in the space of phi, and new tags have to stand back there too.

    Args:
        dataset: folder.
        manifest: of the dataset.
        model: to embed by.
        num_posts: at most.
        users: of the examples, float32 [B, m].
        seed: of whose facts are hidden.

    Returns:
        The posts, and the descriptors of the users of all that were drawn, float32 [P, m].

    Raises:
        UserError: the dataset is damaged or has no training posts.
    """
    rng, is_unknown = np.random.default_rng(seed), find_unknown(users, manifest)
    phi, tags, num_unknown, people = [], [], [], []
    with named_errors(dataset):
        for batch in sample_posts(dataset, manifest, "train", num_posts, _BATCH):
            told = batch["user_descriptor"].numpy()
            example = rng.integers(len(users), size=len(told))
            is_hidden = is_unknown[example] & (np.arange(len(told)) % 2 == 1)[:, np.newaxis]
            hidden = np.where(is_hidden, users[example], told)
            phi.append(model({**batch, "user_descriptor": hidden}).numpy())
            people.append(told)
            tags += batch["tags"].to_list()
            num_unknown.append(batch["out_of_vocabulary"].numpy())
    rows = np.flatnonzero(np.concatenate(num_unknown) == 0)
    if len(rows) < ENOUGH_KNOWN_POSTS:
        rows = np.arange(len(tags))
    background = EmbeddedPosts(np.concatenate(phi)[rows], [tags[row] for row in rows])
    return background, np.concatenate(people)


def embed_examples(
    path: Path,
    posts: Sequence[PlacedPost],
    *,
    dataset: Path,
    manifest: Manifest,
    model: HashtagModel,
    image_root: Path,
    people: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Phi of the posts of a file; images by the dataset's descriptor model.

    What an example does not tell of its user may be known of those who ask for hashtags. In half of
    the copies it is known here too, as it is of somebody drawn at random.

    Args:
        path: of the file.
        posts: of the file, with the dataset's facts.
        dataset: folder.
        manifest: of the dataset.
        model: to embed by.
        image_root: what paths of images are relative to.
        people: float32 [P, m], descriptors of users to draw from.
        seed: of the draws.

    Returns:
        float32 [COPIES, B, d], the first copy as told.

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
    rng, photos = np.random.default_rng(seed), np.stack(descriptors)
    told, phi = describe_users(posts, manifest), []
    is_unknown = find_unknown(told, manifest)
    for copy in range(COPIES):
        others = people[rng.integers(len(people), size=len(posts))]
        users = np.where(is_unknown, others, told) if copy % 2 else told
        phi.append(model({"descriptor": photos, "user_descriptor": users}).numpy())
    return np.stack(phi)


def find_unknown(users: np.ndarray, manifest: Manifest) -> np.ndarray:
    """Which values of users' descriptors, [B, m], are of facts that are unknown: bool [B, m]."""
    is_unknown = np.zeros(users.shape, bool)
    for c in manifest.facts.columns:
        values = users[:, c.start : c.stop]
        is_unknown[:, c.start : c.stop] = (values == c.unknown).all(axis=1, keepdims=True)
    return is_unknown


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
