"""From rows to blocks of checked posts."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa

from beam.posts import identities
from beam.posts.descriptors import read_descriptors, to_raw
from beam.posts.post_block import PostBlock, rejection, row_key
from beam.posts.rows import InputFile, RowBlock
from beam.running import storage
from tagkeras.data.posts import Post, PostError, check_content, parse_post

IMAGE, DESCRIPTOR = "image", "descriptor"
# Reason of a row that is of the other kind than most; it ends the run.
OTHER_KIND = "other_kind"

# The columns that a pipeline wants of its posts beside ids and images, a row for each post.
MakeColumns = Callable[[list[Post]], dict[str, pa.Array]]


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
    descriptor_size: int
    descriptor_dtype: str
    image_root: str | None
    labelled: bool
    id_key: bytes = dataclasses.field(repr=False)
    hide_post_ids: bool


class ParsePosts(beam.DoFn):
    """Checks the rows of a `RowBlock` and gives a `PostBlock`, without descriptors of images."""

    def __init__(self, settings: PostSettings, make_columns: MakeColumns) -> None:
        self._settings = settings
        self._make_columns = make_columns

    @property
    def kind(self) -> str:
        """`image` or `descriptor`."""
        return self._settings.kind

    def process(self, block: RowBlock) -> Iterator[PostBlock]:
        """One block to one block."""
        settings = self._settings
        bad_descriptors: dict[int, PostError] = {}
        if settings.kind == DESCRIPTOR:
            size, dtype = settings.descriptor_size, settings.descriptor_dtype
            descriptors, bad_descriptors = read_descriptors(block, size, dtype)
        posts: list[Post] = []
        numbers: list[int] = []
        rejected = []
        for number in range(len(block.rows)):
            try:
                post = self._parse(block, number)
                if number in bad_descriptors:
                    raise bad_descriptors[number]
            except PostError as error:
                rejected.append(self._reject(block, number, error))
            else:
                posts.append(post)
                numbers.append(number)
        columns = {**self._ids(block, posts, numbers), **self._make_columns(posts)}
        if settings.kind == DESCRIPTOR:
            columns["descriptor"] = to_raw(descriptors[numbers])
        else:
            columns |= self._images(block.file, posts)
        yield PostBlock(
            name=f"{block.file.index:06d}-{block.positions[0]:015d}-{len(block.rows)}",
            source=block.file.source,
            posts=pa.RecordBatch.from_pydict(columns),
            rejected=rejected,
            posts_read=len(block.rows),
            hashtags_refused=sum(post.hashtags_refused for post in posts),
        )

    def _parse(self, block: RowBlock, number: int) -> Post:
        row, settings = block.rows[number], self._settings
        if isinstance(row, str):
            raise PostError("malformed_row", row)
        if isinstance(row, PostError):
            raise row
        post = parse_post(row, labelled=settings.labelled)
        check_content(post, block.has_descriptor(number))
        if (post.image is not None) != (settings.kind == IMAGE):
            raise PostError(OTHER_KIND, f"no {settings.kind}, which other posts have")
        return post

    def _ids(self, block: RowBlock, posts: list[Post], numbers: list[int]) -> dict[str, pa.Array]:
        file, key = block.file.index, self._settings.id_key
        columns = {
            "row_key": pa.array([row_key(file, block.positions[n]) for n in numbers], "int64"),
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
            _join(root, post.image).encode() if isinstance(post.image, str) else post.image
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
        return rejection(written, error, block.file.source, block.positions[number])


def _join(root: str, image: str) -> str:
    if storage.is_remote(image) or image.startswith("/") or not root:
        return image
    return storage.join(root, image)
