"""Posts with their hashtags, as questions to a served model."""

from pathlib import Path
from typing import Any, NamedTuple

from serving.client.columns import Image
from tagkeras.data.posts import Post
from tagkeras.data.posts_file import PlacedPost, read_posts
from tagkeras.data.user import User


class LabelledPost(NamedTuple):
    """A post.

    Attributes:
        post_id: its id.
        owner: the id of its user.
        user: what is known of the user.
        hashtags: the truth, normalised.
        image: the path or the content of its image; None if it has a descriptor.
        descriptor: a list of numbers; None if it has an image.
    """

    post_id: str
    owner: str
    user: User
    hashtags: frozenset[str]
    image: Image | None
    descriptor: Any


def read_labelled_posts(path: Path, most: int | None = None) -> list[LabelledPost]:
    """Reads a file of posts, in its order; paths of images are relative to it.

    Args:
        path: a `.jsonl`, `.jsonl.gz` or `.parquet` file.
        most: how many of them, from the first on; None for all.

    Raises:
        UserError: it cannot be read, or a post in it cannot be used.
    """
    return [_labelled(path.parent, example) for example in read_posts(path)[:most]]


def _labelled(folder: Path, example: PlacedPost) -> LabelledPost:
    post = example.post
    image = folder / post.image if isinstance(post.image, str) else post.image
    return LabelledPost(
        post.post_id,
        post.user_id,
        _user(post),
        frozenset(post.hashtags),
        image,
        example.descriptor,
    )


def _user(post: Post) -> User:
    return User(**post.facts)
