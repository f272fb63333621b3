"""A few posts of the evaluated split, with their photos."""

import dataclasses
import hashlib
import heapq
from collections.abc import Collection
from pathlib import Path

from tagkeras.cli.errors import UserError
from tagkeras.data.posts import Post, PostError, parse_post
from tagkeras.data.posts_file import read_rows
from tagkeras.report.sections.section import LeftOut
from tagkeras.report.thumbnails import Thumbnail, make_thumbnail

# Posts to take the place of those whose photo cannot be read.
_SPARE = 64


@dataclasses.dataclass(frozen=True)
class SamplePost:
    """A post and its photo.

    Attributes:
        post: as it was handed in, checked.
        photo: a small copy.
    """

    post: Post
    photo: Thumbnail


@dataclasses.dataclass(frozen=True)
class SamplePosts:
    """The samples of a page.

    Attributes:
        posts: with photos.
        unreadable: of posts that others took the place of, the image and what is wrong with it.
    """

    posts: tuple[SamplePost, ...]
    unreadable: tuple[str, ...]


def find_samples(
    path: Path, post_ids: Collection[str], *, split: str, image_root: Path | None, number: int
) -> SamplePosts:
    """Finds posts of a split in the file that they came from.

    Which posts are taken hangs on their ids alone, by a hash: the same ones for every model, and
    not those that it does well.

    Args:
        path: of the file of posts.
        post_ids: of the split.
        split: its name, for errors.
        image_root: what paths of images are relative to; None for the folder of the file.
        number: how many samples to find, at most.

    Raises:
        LeftOut: the posts have descriptors in place of images.
        UserError: the file has none of the posts, no such folder of images, or none of the photos
            can be read.
    """
    root = path.parent if image_root is None else image_root
    if not root.is_dir():
        raise UserError(f"--image_root={root}: no such folder")
    found: dict[str, Post] = {}
    for _, row in read_rows(path, post_ids):
        if isinstance(row, str):
            continue  # beam.preprocess rejected it as well: it is no post of the split
        try:
            post = parse_post(row)
        except PostError:
            continue  # it cannot be one that the dataset has
        found.setdefault(post.post_id, post)
        if len(found) > 2 * (number + _SPARE):
            found = {p: found[p] for p in heapq.nsmallest(number + _SPARE, found, key=_order)}
    if not found:
        raise UserError(
            f"--posts={path} has none of the {len(post_ids):,} posts of the {split} split"
            f" ({min(post_ids)}, ...): give the file that the dataset was made from"
        )
    posts, unreadable = _with_photos(found, root, number)
    if not posts:
        raise UserError(f"no photo of the samples can be read: {unreadable[0]}; see --image_root")
    return SamplePosts(tuple(posts), tuple(unreadable))


def _with_photos(
    found: dict[str, Post], root: Path, number: int
) -> tuple[list[SamplePost], list[str]]:
    posts: list[SamplePost] = []
    unreadable: list[str] = []
    if all(post.image is None for post in found.values()):
        raise LeftOut(
            "Sample photos",
            "the posts have descriptors in place of images.",
        )
    for post_id in sorted(found, key=_order):
        if len(posts) == number:
            break
        image = found[post_id].image
        name = image if isinstance(image, str) else "its image"
        try:
            if image is None:
                raise ValueError("the post has none")
            content = image if isinstance(image, bytes) else (root / image).read_bytes()
            posts.append(SamplePost(found[post_id], make_thumbnail(content)))
        except OSError as error:
            unreadable.append(f"{name} of {post_id}: {error.strerror}")
        except ValueError as error:
            unreadable.append(f"{name} of {post_id}: {error}")
    return posts, unreadable


def _order(post_id: str) -> bytes:
    return hashlib.sha256(post_id.encode()).digest()
