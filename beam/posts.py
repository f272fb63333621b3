"""From rows to blocks of checked posts."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from beam import identities
from beam.blocks import PostBlock, name_place, rejection, row_key
from beam.sources import InputFile, RowBlock
from tagkeras.data.posts import Post, PostError, parse_descriptor, parse_post
from tagkeras.layers.user_descriptor import UserDescriptor

IMAGE, DESCRIPTOR = "image", "descriptor"
# Reason of a row that is of the other kind than the dataset; it ends the run.
OTHER_KIND = "other_kind"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostSettings:
    """What becomes of a row.

    Attributes:
        kind: `image` or `descriptor`, of all posts.
        descriptor_size: n, of ready descriptors.
        descriptor_dtype: to store.
        image_root: folder or URI that image paths are relative to; None: that of their file.
        countries: of the user descriptor.
        location_decimals: of the user descriptor.
        id_key: for the HMAC of ids.
        hide_post_ids: write the HMAC of post ids too.
        split_seed: chooses the users of the splits.
        validation_fraction: of users.
        test_fraction: of users.
    """

    kind: str
    descriptor_size: int | None
    descriptor_dtype: str
    image_root: str | None
    countries: tuple[str, ...]
    location_decimals: int
    id_key: bytes = dataclasses.field(repr=False)
    hide_post_ids: bool
    split_seed: int
    validation_fraction: float
    test_fraction: float


class ParsePosts(beam.DoFn):
    """Checks the rows of a `RowBlock` and gives a `PostBlock`, without descriptors of images."""

    def __init__(self, settings: PostSettings) -> None:
        self._settings = settings

    def setup(self) -> None:
        """Makes the layer that describes users."""
        self._user_descriptor = UserDescriptor(
            self._settings.countries, self._settings.location_decimals
        )

    def process(self, block: RowBlock) -> Iterator[PostBlock]:
        """One block to one block."""
        settings = self._settings
        descriptors = None
        if settings.kind == DESCRIPTOR:
            assert settings.descriptor_size is not None
            descriptors = _Descriptors(block, settings.descriptor_size, settings.descriptor_dtype)
        posts: list[Post] = []
        row_numbers: list[int] = []
        rejected = []
        for number, row in enumerate(block.rows):
            try:
                if isinstance(row, str):
                    raise PostError("malformed_row", row)
                post = parse_post(row)
                _check_kind(post, has_descriptor(block, number), settings.kind)
                if descriptors:
                    descriptors.check(number)
            except PostError as error:
                rejected.append(self._reject(block, number, error))
            else:
                posts.append(post)
                row_numbers.append(number)
        columns = self._columns(block, posts, row_numbers)
        if descriptors:
            columns["descriptor"] = descriptors.take(row_numbers)
        yield PostBlock(
            name=f"{block.file.index:06d}-{block.positions[0]:015d}-{len(block.rows)}",
            posts=pa.RecordBatch.from_pydict(columns),
            rejected=rejected,
            posts_read=len(block.rows),
            hashtags_refused=sum(post.hashtags_refused for post in posts),
        )

    def _columns(
        self, block: RowBlock, posts: list[Post], row_numbers: list[int]
    ) -> dict[str, pa.Array]:
        settings, file = self._settings, block.file.index
        users = self._describe_users(posts)
        columns = {
            "row_key": pa.array([row_key(file, block.positions[i]) for i in row_numbers], "int64"),
            "post_id": pa.array([self._post_id(post.post_id) for post in posts], "binary"),
            "post_digest": pa.array([identities.digest(p.post_id) for p in posts], "binary"),
            "user_id": pa.array(
                [identities.hide(post.user_id, settings.id_key) for post in posts], "binary"
            ),
            "split": pa.array([self._split(post.user_id) for post in posts], "int8"),
            "hashtags": pa.array([p.hashtags for p in posts], pa.list_(pa.string())),
            "age": pa.array(np.array([post.age for post in posts], np.float32)),
            "gender": pa.array([post.gender for post in posts], "binary"),
            "country": pa.array([post.country for post in posts], "binary"),
            **users,
        }
        if settings.kind == IMAGE:
            root = _image_root(block.file, settings.image_root)
            images = [
                post.image if isinstance(post.image, bytes) else _join(root, post.image).encode()
                for post in posts
            ]
            columns["image"] = pa.array(images, "large_binary")
            columns["is_path"] = pa.array([isinstance(post.image, str) for post in posts], "bool")
        return columns

    def _describe_users(self, posts: list[Post]) -> dict[str, pa.Array]:
        latitude = tf.constant([post.latitude for post in posts], tf.float32)
        longitude = tf.constant([post.longitude for post in posts], tf.float32)
        layer = self._user_descriptor
        descriptors = layer(
            {
                "age": tf.constant([post.age for post in posts], tf.float32),
                "gender": tf.constant([post.gender for post in posts], tf.string),
                "country": tf.constant([post.country for post in posts], tf.string),
                "latitude": latitude,
                "longitude": longitude,
            }
        )
        location = layer.round_location(latitude, longitude)
        return {
            "location": _to_lists(location.numpy()),
            "user_descriptor": _to_lists(descriptors.numpy()),
        }

    def _post_id(self, post_id: str) -> bytes:
        if self._settings.hide_post_ids:
            return identities.hide(post_id, self._settings.id_key)
        return post_id.encode()

    def _split(self, user_id: str) -> int:
        settings = self._settings
        return identities.choose_split(
            user_id, settings.split_seed, settings.validation_fraction, settings.test_fraction
        )

    def _reject(self, block: RowBlock, number: int, error: PostError) -> dict[str, Any]:
        row = block.rows[number]
        post_id = row.get("post_id") if isinstance(row, dict) else None
        if error.reason in ("no_post_id", "bad_post_id") or post_id is None:
            written = None
        else:
            written = self._post_id(str(post_id))
        place = name_place(row_key(0, block.positions[number]), [block.file.path])
        return rejection(written, error, place)


def find_kind(row: dict[str, Any] | str, is_described: bool) -> str | None:
    """Whether a row has an image or a descriptor; None if neither or both."""
    has_image = isinstance(row, dict) and (
        row.get("image") is not None or row.get("image_bytes") is not None
    )
    if has_image == is_described:
        return None
    return IMAGE if has_image else DESCRIPTOR


def has_descriptor(block: RowBlock, number: int) -> bool:
    """Whether a row has anything in the field of the descriptor."""
    if block.descriptors is not None:
        return bool(block.descriptors[number].is_valid)
    row = block.rows[number]
    return isinstance(row, dict) and row.get("descriptor") is not None


def _check_kind(post: Post, is_described: bool, kind: str) -> None:
    has_image = post.image is not None
    if has_image and is_described:
        raise PostError("image_and_descriptor", "both an image and a descriptor: give one")
    if not has_image and not is_described:
        raise PostError("no_image", "neither an image nor a descriptor")
    if has_image != (kind == IMAGE):
        raise PostError(OTHER_KIND, f"no {kind}, which other posts have")


class _Descriptors:
    """The ready descriptors of a block, checked all at once where they can be."""

    def __init__(self, block: RowBlock, size: int, dtype: str) -> None:
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._values = np.zeros((len(block.rows), size), np.float32)
        self._errors: dict[int, PostError] = {}
        if not self._take_all(block.descriptors, size):
            for number in range(len(block.rows)):
                try:
                    self._values[number] = parse_descriptor(_descriptor(block, number), size)
                except PostError as error:
                    self._errors[number] = error
        with np.errstate(over="ignore"):
            self._stored = self._values.astype(self._dtype)
        finite = np.isfinite(self._stored).all(axis=1)
        for number in np.flatnonzero(~finite).tolist():
            self._errors.setdefault(number, not_finite(self._dtype))

    def check(self, number: int) -> None:
        """Raises what is wrong with the descriptor of a row."""
        if number in self._errors:
            raise self._errors[number]

    def take(self, numbers: list[int]) -> pa.Array:
        """Raw values of the rows."""
        return raw_descriptors(self._stored[numbers])

    def _take_all(self, column: pa.Array | None, size: int) -> bool:
        """Takes over a Parquet column, if there is nothing wrong with any of it."""
        if column is None or column.null_count:
            return False
        kind = column.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and not (
            pa.types.is_fixed_size_list(kind)
        ):
            return False
        numeric = pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
        values = column.flatten()
        if not numeric or values.null_count:
            return False
        if not pc.all(pc.equal(pc.list_value_length(column), size)).as_py():
            return False
        with np.errstate(over="ignore"):
            self._values = values.to_numpy().reshape(-1, size).astype(np.float32, copy=False)
        return True


def not_finite(dtype: np.dtype) -> PostError:
    """What is wrong with a descriptor that has values that cannot be stored."""
    message = f"descriptor: NaN, infinite or too large for {dtype.name}"
    return PostError("descriptor_not_finite", message)


def raw_descriptors(values: np.ndarray) -> pa.Array:
    """Rows of a matrix as bytes: [B, n] to a binary array of length B."""
    width = values.shape[1] * values.dtype.itemsize
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.binary(width), len(values), [None, data])


def _descriptor(block: RowBlock, number: int) -> Any:
    if block.descriptors is not None:
        return block.descriptors[number].as_py()
    row = block.rows[number]
    return row.get("descriptor") if isinstance(row, dict) else None


def _to_lists(matrix: np.ndarray) -> pa.Array:
    values = pa.array(np.ascontiguousarray(matrix, np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, matrix.shape[1])


def _image_root(file: InputFile, image_root: str | None) -> str:
    return file.path.rpartition("/")[0] if image_root is None else image_root


def _join(root: str, image: str | None) -> str:
    assert image is not None
    if "://" in image or image.startswith("/") or not root:
        return image
    return f"{root.rstrip('/')}/{image}"
