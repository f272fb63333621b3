"""From rows to blocks of checked posts."""

import abc
import dataclasses
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa

from beam.posts import identities
from beam.posts.descriptor_column import DescriptorColumn, has_descriptor
from beam.posts.post_block import PostBlock, name_place, rejection, row_key
from beam.posts.rows import InputFile, Row, RowBlock
from beam.running import storage
from tagkeras.data.posts import Post, PostError, parse_post

IMAGE, DESCRIPTOR = "image", "descriptor"
# Reason of a row that is of the other kind than most; it ends the run.
OTHER_KIND = "other_kind"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostSettings:
    """What posts must have, and what becomes of their ids and images.

    Attributes:
        kind: `image` or `descriptor`, of all posts.
        descriptor_size: n, of ready descriptors.
        descriptor_dtype: to store.
        image_root: folder or URI that image paths are relative to; None: that of their file.
        labelled: whether a post must have a user and hashtags.
        id_key: for the HMAC of ids.
        hide_post_ids: write the HMAC of post ids too.
    """

    kind: str
    descriptor_size: int | None
    descriptor_dtype: str
    image_root: str | None
    labelled: bool
    id_key: bytes = dataclasses.field(repr=False)
    hide_post_ids: bool


class PostColumns(abc.ABC):
    """The columns that a pipeline wants of its posts beside ids and images."""

    @abc.abstractmethod
    def setup(self) -> None:
        """Makes what is not sent to workers."""

    @abc.abstractmethod
    def make(self, posts: list[Post]) -> dict[str, pa.Array]:
        """Arrays with a row for each post, by name."""


class ParsePosts(beam.DoFn):
    """Checks the rows of a `RowBlock` and gives a `PostBlock`, without descriptors of images."""

    def __init__(self, settings: PostSettings, columns: PostColumns) -> None:
        self._settings = settings
        self._columns = columns

    @property
    def kind(self) -> str:
        """`image` or `descriptor`."""
        return self._settings.kind

    def setup(self) -> None:
        """Readies the columns."""
        self._columns.setup()

    def process(self, block: RowBlock) -> Iterator[PostBlock]:
        """One block to one block."""
        settings = self._settings
        descriptors = None
        if settings.kind == DESCRIPTOR:
            assert settings.descriptor_size is not None
            descriptors = DescriptorColumn(
                block, settings.descriptor_size, settings.descriptor_dtype
            )
        posts: list[Post] = []
        row_numbers: list[int] = []
        rejected = []
        for number, row in enumerate(block.rows):
            try:
                if isinstance(row, str):
                    raise PostError("malformed_row", row)
                if isinstance(row, PostError):
                    raise row
                post = parse_post(row, labelled=settings.labelled)
                _check_kind(post, has_descriptor(block, number), settings.kind)
                if descriptors:
                    descriptors.check(number)
            except PostError as error:
                rejected.append(self._reject(block, number, error))
            else:
                posts.append(post)
                row_numbers.append(number)
        columns = {
            **self._ids(block, posts, row_numbers),
            **self._columns.make(posts),
        }
        if descriptors:
            columns["descriptor"] = descriptors.take(row_numbers)
        else:
            columns |= self._images(block.file, posts)
        yield PostBlock(
            name=f"{block.file.index:06d}-{block.positions[0]:015d}-{len(block.rows)}",
            posts=pa.RecordBatch.from_pydict(columns),
            rejected=rejected,
            posts_read=len(block.rows),
            hashtags_refused=sum(post.hashtags_refused for post in posts),
        )

    def _ids(self, block: RowBlock, posts: list[Post], rows: list[int]) -> dict[str, pa.Array]:
        file, key = block.file.index, self._settings.id_key
        columns = {
            "row_key": pa.array([row_key(file, block.positions[i]) for i in rows], "int64"),
            "post_id": pa.array([self._post_id(post.post_id) for post in posts], "binary"),
            "post_digest": pa.array([identities.digest(p.post_id) for p in posts], "binary"),
        }
        if self._settings.labelled:
            users = [identities.hide(post.user_id, key) for post in posts]
            columns["user_id"] = pa.array(users, "binary")
        return columns

    def _images(self, file: InputFile, posts: list[Post]) -> dict[str, pa.Array]:
        root = self._settings.image_root
        if root is None:
            root = file.path.rpartition("/")[0]
        images = [
            post.image if isinstance(post.image, bytes) else _join(root, post.image).encode()
            for post in posts
        ]
        return {
            "image": pa.array(images, "large_binary"),
            "is_path": pa.array([isinstance(post.image, str) for post in posts], "bool"),
        }

    def _post_id(self, post_id: str) -> bytes:
        if self._settings.hide_post_ids:
            return identities.hide(post_id, self._settings.id_key)
        return post_id.encode()

    def _reject(self, block: RowBlock, number: int, error: PostError) -> dict[str, Any]:
        row = block.rows[number]
        post_id = row.get("post_id") if isinstance(row, dict) else None
        if error.reason in ("no_post_id", "bad_post_id") or post_id is None:
            written = None
        else:
            written = self._post_id(str(post_id))
        place = name_place(row_key(0, block.positions[number]), [block.file.place])
        return rejection(written, error, place)


def find_kind(row: Row, is_described: bool) -> str | None:
    """Whether a row has an image or a descriptor; None if neither or both."""
    has_image = isinstance(row, dict) and (
        row.get("image") is not None or row.get("image_bytes") is not None
    )
    if has_image == is_described:
        return None
    return IMAGE if has_image else DESCRIPTOR


def to_lists(matrix: np.ndarray) -> pa.Array:
    """Rows of a matrix as lists of float32: [B, n] to an array of length B."""
    values = pa.array(np.ascontiguousarray(matrix, np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, matrix.shape[1])


def _check_kind(post: Post, is_described: bool, kind: str) -> None:
    has_image = post.image is not None
    if has_image and is_described:
        raise PostError("image_and_descriptor", "both an image and a descriptor: give one")
    if not has_image and not is_described:
        raise PostError("no_image", "neither an image nor a descriptor")
    if has_image != (kind == IMAGE):
        raise PostError(OTHER_KIND, f"no {kind}, which other posts have")


def _join(root: str, image: str | None) -> str:
    assert image is not None
    if storage.is_remote(image) or image.startswith("/") or not root:
        return image
    return storage.join(root, image)
