"""Posts of users, checked: what a row must have, and why it is rejected."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tagkeras.data import hashtags
from tagkeras.data.facts import FACTS, LATITUDE, Fact, FactError, is_missing, is_utf8

# The fields that are read beside the facts; `descriptor` apart, since its column may be large.
FIELDS = ("post_id", "user_id", "image", "image_bytes", "hashtags")


class PostError(ValueError):
    """A post that cannot be used.

    Attributes:
        reason: one of a fixed set of codes, such as `bad_age`.
        detail: what is wrong, without the post's metadata.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return PostError, (self.reason, self.detail)


class Post(NamedTuple):
    """One post.

    Attributes:
        post_id: not empty.
        user_id: not empty; "" of a post that need not be labelled.
        hashtags: normalised, distinct, at least one; none of a post that need not be labelled.
        hashtags_refused: how many given ones were no hashtags.
        image: path or URI, or the content of the file; None if the post has a descriptor.
        facts: that were asked for, by name; half a place is unknown.
    """

    post_id: str
    user_id: str
    hashtags: tuple[str, ...]
    hashtags_refused: int
    image: str | bytes | None
    facts: Mapping[str, Any]


def parse_post(
    row: Mapping[str, Any], *, facts: Sequence[Fact] = FACTS, labelled: bool = True
) -> Post:
    """Checks a row; of any field, absent, null, NaN and "" all mean that it is not there.

    Ids may be integers; `tagkeras.data.facts` says what facts may be. Fields that are not of a post
    are ignored, `descriptor` is left to `parse_descriptor`. Of the facts, `FACTS` among them, all
    are looked at; of user and hashtags nothing, unless the post is to be `labelled`.

    Raises:
        PostError: the post cannot be used.
    """
    get = row.get
    post_id = _parse_id(get("post_id"), "post_id")
    user_id, refused = "", 0
    tags: tuple[str, ...] = ()
    if labelled:
        user_id = _parse_id(get("user_id"), "user_id")
        tags, refused = _parse_hashtags(get("hashtags"))
    known = {fact.name: _parse_fact(fact, get(fact.name)) for fact in facts}
    latitude, longitude = known["latitude"], known["longitude"]
    if latitude != latitude or longitude != longitude:  # NaN: half a place is unknown
        known["latitude"] = known["longitude"] = LATITUDE.unknown
    image = _parse_image(get("image"), get("image_bytes"))
    return Post(post_id, user_id, tags, refused, image, known)


def check_content(post: Post, has_descriptor: bool) -> None:
    """Makes sure that a post has either an image or a descriptor.

    Raises:
        PostError: it has both, or neither.
    """
    if post.image is not None and has_descriptor:
        raise PostError("image_and_descriptor", "both an image and a descriptor: give one")
    if post.image is None and not has_descriptor:
        raise PostError("no_image", "neither an image nor a descriptor")


def parse_descriptor(value: Any, size: int) -> np.ndarray:
    """Checks a list of numbers: float32 [size], finite.

    Raises:
        PostError: it is not, or it has another length.
    """
    if not isinstance(value, list):
        raise PostError("bad_descriptor", "descriptor: not a list of numbers")
    if len(value) != size:
        raise PostError("descriptor_length", f"descriptor: {len(value)} values instead of {size}")
    try:
        array = np.array(value)
    except (ValueError, OverflowError):  # nested, ragged
        array = np.array(None)
    if array.dtype.kind not in "fiu" or array.ndim != 1:
        raise PostError("bad_descriptor", "descriptor: not a list of numbers")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise PostError("descriptor_not_finite", "descriptor: NaN or infinite in float32")
    return array


def _parse_id(value: Any, name: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if is_missing(value):
        raise PostError(f"no_{name}", f"{name}: missing or empty")
    if not isinstance(value, str) or not is_utf8(value):
        raise PostError(f"bad_{name}", f"{name}: not a string that UTF-8 can hold")
    return value


def _parse_hashtags(value: Any) -> tuple[tuple[str, ...], int]:
    if is_missing(value):
        raise PostError("no_hashtags", "hashtags: missing")
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise PostError("bad_hashtags", "hashtags: not a list of strings")
    tags = [hashtags.normalize(tag) for tag in value]
    distinct = dict.fromkeys(tags)
    distinct.pop("", None)
    if not distinct:
        raise PostError("no_hashtags", "hashtags: none that is a hashtag")
    return tuple(distinct), tags.count("")


def _parse_fact(fact: Fact, value: Any) -> float | str:
    try:
        return fact.parse(value)
    except FactError as error:
        raise PostError(fact.reason, str(error)) from error


def _parse_image(path: Any, content: Any) -> str | bytes | None:
    if is_missing(path) and is_missing(content):
        return None
    if not is_missing(path) and not is_missing(content):
        raise PostError("bad_image", "image and image_bytes: give one of them")
    if is_missing(path):
        if not isinstance(content, bytes):
            raise PostError("bad_image", "image_bytes: not bytes")
        return content
    if not isinstance(path, str) or "\0" in path or not is_utf8(path):
        raise PostError("bad_image", "image: not a path")
    return path
