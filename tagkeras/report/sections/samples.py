"""Photos, their hashtags, and what each model predicts for them."""

import base64
import dataclasses
import functools
import hashlib
import heapq
import io
from collections.abc import Collection
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from tagkeras.cli.errors import UserError
from tagkeras.data.posts import Post, PostError, parse_post
from tagkeras.evaluate.evaluation import MODEL
from tagkeras.report.formats import person
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.runs import Run
from tagkeras.report.style import label_of

# Predictions of a post that are shown.
_PREDICTIONS = 10
# Posts in place of those whose photo cannot be read.
_SPARE = 64
# Pixels of the longer side: twice what the page shows, for screens with fine pixels.
THUMBNAIL_SIZE = 480


@dataclasses.dataclass(frozen=True)
class Thumbnail:
    """A small copy of a photo.

    Attributes:
        uri: `data:image/jpeg;base64,...`.
        width: in pixels.
        height: in pixels.
    """

    uri: str
    width: int
    height: int


@dataclasses.dataclass(frozen=True)
class Samples:
    """The sample posts of a page.

    Attributes:
        posts: each with its photo.
        unreadable: photos that others took the place of, and what is wrong with each.
    """

    posts: tuple[tuple[Post, Thumbnail], ...]
    unreadable: tuple[str, ...]


def build(inputs: Inputs) -> dict[str, Any]:
    """The samples with the predictions of every shown run.

    Raises:
        Omitted: there are no photos.
        UserError: the photos cannot be read.
    """
    samples = samples_of(inputs)
    ids = {post.post_id for post, _ in samples.posts}
    predictions = {
        (group.name, name): _predictions(run, ids)
        for group in inputs.groups
        for name, run in group.shown.items()
    }
    cards = []
    for post, photo in samples.posts:
        lists = {
            group.name: {
                label_of(name): predictions[group.name, name][post.post_id]
                for name in group.shown
                if post.post_id in predictions[group.name, name]
            }
            for group in inputs.groups
        }
        cards.append(
            {
                "post": post,
                "photo": photo,
                "person": person(post.age, post.gender, post.country),
                "lists": {name: runs for name, runs in lists.items() if runs},
            }
        )
    return {
        "cards": cards,
        "unreadable": samples.unreadable,
        "has_balanced": any(not group.is_natural for group in inputs.groups),
    }


def _predictions(run: Run, post_ids: Collection[str]) -> dict[str, list[tuple[str, bool]]]:
    """The first hashtags that a run predicted for posts, and whether each is right."""
    posts = run.evaluation.posts
    hashtags = run.evaluation.predictions.column("hashtags")
    return {
        post_id: list(zip(hashtags[row].as_py()[:_PREDICTIONS], posts.hits[MODEL][row].tolist()))
        for row, post_id in enumerate(posts.post_ids)
        if post_id in post_ids
    }


@functools.cache
def samples_of(inputs: Inputs) -> Samples:
    """Posts with their photos, of the split of all groups of runs.

    Raises:
        Omitted: there can be no photos.
        UserError: the file has none of the posts, or none of their photos can be read.
    """
    config = inputs.config
    if not config.samples:
        raise Omitted("--samples=0 asks for none.")
    if config.posts is None:
        raise Omitted(
            "no file of posts was given: add --posts=POSTS.jsonl, and --image_root= if the images"
            " lie elsewhere."
        )
    for group in inputs.groups:
        privacy = group.manifest.privacy if group.manifest else {}
        if privacy.get("post_ids", "kept") != "kept":
            raise Omitted(
                f"the post ids of the {group.name} dataset are keyed hashes, so that its posts"
                " cannot be found in a file: preprocess with --post_ids=keep to see photos here."
            )
    ids = [set(group.first.evaluation.posts.post_ids) for group in inputs.groups]
    path = Path(config.posts)
    root = Path(config.image_root) if config.image_root else path.parent
    return find_samples(
        path, set.intersection(*ids) or ids[0], config.split, root, number=config.samples
    )


def find_samples(
    path: Path, post_ids: Collection[str], split: str, image_root: Path, *, number: int
) -> Samples:
    """Finds posts of a split in the file that they came from.

    Posts are chosen by a hash of their ids: the same ones for every model, and not those that it
    does well on.

    Args:
        path: of the file of posts.
        post_ids: of the split.
        split: its name, for errors.
        image_root: what paths of images are relative to.
        number: of samples, at most.

    Raises:
        Omitted: the posts have descriptors in place of images.
        UserError: the file has none of the posts, no such folder of images, or none of the photos
            can be read.
    """
    if not image_root.is_dir():
        raise UserError(f"--image_root={image_root}: no such folder")
    found: dict[str, Post] = {}
    for row in read_rows(path, post_ids):
        try:
            post = parse_post(row)
        except PostError:
            continue  # beam.preprocess rejected it
        found.setdefault(post.post_id, post)
        if len(found) > 2 * (number + _SPARE):
            found = {p: found[p] for p in heapq.nsmallest(number + _SPARE, found, key=_hash)}
    if not found:
        raise UserError(
            f"--posts={path} has none of the {len(post_ids):,} posts of the {split} split"
            f" ({min(post_ids)}, ...): give the file that the dataset was made from"
        )
    if all(post.image is None for post in found.values()):
        raise Omitted("the posts have descriptors in place of images.")
    posts: list[tuple[Post, Thumbnail]] = []
    unreadable: list[str] = []
    for post_id in sorted(found, key=_hash):
        if len(posts) == number:
            break
        image = found[post_id].image
        try:
            posts.append((found[post_id], make_thumbnail(_read_image(image, image_root))))
        except (OSError, ValueError) as error:
            name = image if isinstance(image, str) else "its image"
            reason = error.strerror if isinstance(error, OSError) else error
            unreadable.append(f"{name} of {post_id}: {reason}")
    if not posts:
        raise UserError(f"no photo of the samples can be read: {unreadable[0]}; see --image_root")
    return Samples(tuple(posts), tuple(unreadable))


def _read_image(image: str | bytes | None, root: Path) -> bytes:
    if image is None:
        raise ValueError("the post has none")
    return image if isinstance(image, bytes) else (root / image).read_bytes()


def _hash(post_id: str) -> bytes:
    return hashlib.sha256(post_id.encode()).digest()


def make_thumbnail(content: bytes) -> Thumbnail:
    """A small upright JPEG of an image file, without the metadata of the photo.

    Args:
        content: of the file, of any format that Pillow reads.

    Raises:
        ValueError: it is no image, a damaged one, or one too large to be decoded.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("RGB", (THUMBNAIL_SIZE,) * 2)  # decodes hardly more than is needed
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError as error:
        raise ValueError("no image of a known format") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"it cannot be decoded ({error})") from error
    upright.thumbnail((THUMBNAIL_SIZE,) * 2, Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    upright.save(encoded, "JPEG", quality=80, optimize=True)
    data = base64.b64encode(encoded.getvalue()).decode()
    return Thumbnail(f"data:image/jpeg;base64,{data}", *upright.size)
