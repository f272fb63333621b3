"""Photos, their hashtags, and what each model predicts for them."""

import base64
import contextlib
import functools
import hashlib
import heapq
import io
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from tagkeras.cli.errors import UserError
from tagkeras.data.posts import Post, PostError, parse_post
from tagkeras.data.posts_file import read_rows
from tagkeras.evaluate.evaluation import MODEL
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.runs import Run

# Predictions of a post that are shown.
_PREDICTIONS = 10
# More posts than are shown, for photos that cannot be read.
_SPARE = 64
# Pixels of the longer side: twice what the page shows, for screens with fine pixels.
THUMBNAIL_SIZE = 480


class Thumbnail(NamedTuple):
    """A small copy of a photo as a `data:` URI, and its size in pixels."""

    uri: str
    width: int
    height: int


class Samples(NamedTuple):
    """Posts with their photos, and what is wrong with photos that cannot be read."""

    posts: list[tuple[Post, Thumbnail]]
    unreadable: list[str]


def build(inputs: Inputs) -> dict[str, Any]:
    """The samples with the predictions of every shown run."""
    samples = samples_of(inputs)
    ids = {post.post_id for post, _ in samples.posts}
    predictions = {
        group.name: {name: _predictions(run, ids) for name, run in group.shown.items()}
        for group in inputs.groups
    }
    return {
        "samples": samples,
        "predictions": predictions,
        "has_balanced": any(not group.is_natural for group in inputs.groups),
    }


def _predictions(run: Run, post_ids: Collection[str]) -> dict[str, list[tuple[str, bool]]]:
    """The first hashtags that a run predicted for each post, and whether they are right."""
    posts, predictions = run.evaluation.posts, run.evaluation.predictions.column("hashtags")
    found = {}
    for row, post_id in enumerate(posts.post_ids):
        if post_id in post_ids:
            # As many predictions were checked as metrics count.
            is_hit = [*posts.hits[MODEL][row].tolist(), *[False] * _PREDICTIONS]
            hashtags = predictions[row].as_py()[:_PREDICTIONS]
            found[post_id] = list(zip(hashtags, is_hit, strict=False))
    return found


@functools.lru_cache(maxsize=1)
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
        privacy = group.first.manifest.privacy if group.first.manifest else {}
        if privacy.get("post_ids", "kept") != "kept":
            raise Omitted(
                f"the post ids of the {group.name} dataset are keyed hashes, so that its posts"
                " cannot be found in a file: preprocess with --post_ids=keep to see photos here."
            )
    path = Path(config.posts)
    root = Path(config.image_root) if config.image_root else path.parent
    ids = [set(group.first.evaluation.posts.post_ids) for group in inputs.groups]
    return find_samples(path, set.intersection(*ids) or ids[0], root, config.samples)


def find_samples(path: Path, post_ids: Collection[str], image_root: Path, number: int) -> Samples:
    """Finds posts, at most `number`, in the file that they came from, and reads their photos.

    They are chosen by a hash of their ids: the same ones for every model, and not those that it
    does well on. Paths of images are relative to `image_root`.

    Raises:
        Omitted: the posts have descriptors in place of images.
        UserError: the file has none of the posts, no such folder of images, or none of the photos
            can be read.
    """
    if not image_root.is_dir():
        raise UserError(f"--image_root={image_root}: no such folder")
    found: dict[str, Post] = {}
    for _, row in read_rows(path, post_ids):
        with contextlib.suppress(PostError):  # beam.preprocess rejected it, too
            if isinstance(row, dict):
                post = parse_post(row)
                found.setdefault(post.post_id, post)
        if len(found) > 2 * (number + _SPARE):
            found = {p: found[p] for p in heapq.nsmallest(number + _SPARE, found, key=_hash)}
    if not found:
        raise UserError(
            f"--posts={path} has none of the {len(post_ids):,} evaluated posts"
            f" ({min(post_ids)}, ...): give the file that the dataset was made from"
        )
    found = {post_id: post for post_id, post in found.items() if post.image is not None}
    if not found:
        raise Omitted("the posts have descriptors in place of images.")
    samples = Samples([], [])
    for post_id in sorted(found, key=_hash):
        if len(samples.posts) == number:
            break
        post, image = found[post_id], found[post_id].image
        try:
            content = image if isinstance(image, bytes) else (image_root / str(image)).read_bytes()
            samples.posts.append((post, make_thumbnail(content)))
        except (OSError, ValueError) as error:
            name = image if isinstance(image, str) else "its image"
            reason = error.strerror if isinstance(error, OSError) else error
            samples.unreadable.append(f"{name} of {post_id}: {reason}")
    if not samples.posts:
        raise UserError(
            f"no photo of the samples can be read: {samples.unreadable[0]}; see --image_root"
        )
    return samples


def _hash(post_id: str) -> bytes:
    return hashlib.sha256(post_id.encode()).digest()


def make_thumbnail(content: bytes) -> Thumbnail:
    """A small upright JPEG of an image file, without the metadata of the photo.

    Raises:
        ValueError: it is no image, a damaged one, or one too large to be decoded.
    """
    size = (THUMBNAIL_SIZE, THUMBNAIL_SIZE)
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("RGB", size)  # decodes hardly more than is needed
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError as error:
        raise ValueError("no image of a known format") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"it cannot be decoded ({error})") from error
    upright.thumbnail(size, Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    upright.save(encoded, "JPEG", quality=80, optimize=True)
    data = base64.b64encode(encoded.getvalue()).decode()
    return Thumbnail(f"data:image/jpeg;base64,{data}", *upright.size)
