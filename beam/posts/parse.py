"""From rows to blocks of checked posts, as they go through the pipeline."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa

from beam.posts import identities
from beam.posts.descriptors import read_descriptors, to_raw
from beam.posts.rows import InputFile, RowBlock
from beam.running import storage
from tagkeras.data.facts import COUNTRY, FACTS, Fact
from tagkeras.data.posts import Post, PostError, check_content, parse_post

IMAGE, DESCRIPTOR = "image", "descriptor"
# Reason of a row that is of the other kind than most; it ends the run.
OTHER_KIND = "other_kind"
# Rule that posts are dropped by.
OTHER_COUNTRY = "other_country"

# A row's key: the number of its file and its place there, in one int64.
_POSITION_BITS = 40


def row_key(file_index: int, position: int) -> int:
    """One number for a row of the input; their order is that of the input."""
    return file_index << _POSITION_BITS | position


def rejection(post_id: bytes | None, error: PostError, source: str, key: int) -> dict[str, Any]:
    """What `rejected/*.jsonl` says of a post.

    Its id is as it would be written; the source is `InputFile.source` of its file.
    """
    return {
        "post_id": None if post_id is None else post_id.decode(),
        "reason": error.reason,
        "detail": error.detail,
        "source": f"{source} {key & ((1 << _POSITION_BITS) - 1)}",
    }


@dataclasses.dataclass(frozen=True, eq=False)
class PostBlock:
    """Posts of one `RowBlock`.

    Attributes:
        name: of the block, the same on every runner.
        source: `InputFile.source` of its file.
        posts: a row each of `row_key` int64, `post_id` binary (as it will be written),
            `post_digest` binary (of the id as given), `user_id` binary (hidden, of labelled posts),
            the pipeline's own columns, and either `image` (binary path or content) and `is_path`,
            or `descriptor` (binary: n raw little-endian values).
        rejected: rows that are no posts, as `rejection` describes them.
        posts_read: rows of the block.
        hashtags_refused: of the posts in it.
        dropped: posts of a country that is not wanted, or of none.
    """

    name: str
    source: str
    posts: pa.RecordBatch
    rejected: list[dict[str, Any]]
    posts_read: int
    hashtags_refused: int
    dropped: int

    def __len__(self) -> int:
        return self.posts.num_rows


@dataclasses.dataclass(kw_only=True, eq=False)
class ParsePosts(beam.DoFn):
    """Checks the rows of a `RowBlock` and gives a `PostBlock`, without descriptors of images.

    Attributes:
        kind: `image` or `descriptor`, of all posts.
        image_root: folder or URI that image paths are relative to; None: that of their file.
        labelled: whether a post must have a user and hashtags.
        hide_post_ids: write the HMAC of post ids too.
        make_columns: what a pipeline wants of posts beside ids and images, a row for each.
        only_countries: posts of other ones are dropped; empty for none.
    """

    kind: str
    descriptor_size: int
    descriptor_dtype: str
    image_root: str | None
    labelled: bool
    id_key: bytes = dataclasses.field(repr=False)
    hide_post_ids: bool
    make_columns: Callable[[list[Post]], dict[str, pa.Array]]
    facts: tuple[Fact, ...] = FACTS
    only_countries: tuple[str, ...] = ()

    def process(self, block: RowBlock) -> Iterator[PostBlock]:
        """One block to one block."""
        bad_descriptors: dict[int, PostError] = {}
        if self.kind == DESCRIPTOR:
            descriptors, bad_descriptors = read_descriptors(
                block, self.descriptor_size, self.descriptor_dtype
            )
        posts: list[Post] = []
        numbers: list[int] = []
        rejected, dropped = [], 0
        for number in range(len(block.rows)):
            try:
                post = self._parse(block, number)
                if number in bad_descriptors:
                    raise bad_descriptors[number]
            except PostError as error:
                rejected.append(self._reject(block, number, error))
                continue
            if self.only_countries and post.facts[COUNTRY.name] not in self.only_countries:
                dropped += 1
            else:
                posts.append(post)
                numbers.append(number)
        columns = {**self._ids(block, posts, numbers), **self.make_columns(posts)}
        if self.kind == DESCRIPTOR:
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
            dropped=dropped,
        )

    def _parse(self, block: RowBlock, number: int) -> Post:
        row = block.rows[number]
        if isinstance(row, str):
            raise PostError("malformed_row", row)
        if isinstance(row, PostError):
            raise row
        post = parse_post(row, facts=self.facts, labelled=self.labelled)
        check_content(post, block.has_descriptor(number))
        if (post.image is not None) != (self.kind == IMAGE):
            raise PostError(OTHER_KIND, f"no {self.kind}, which other posts have")
        return post

    def _ids(self, block: RowBlock, posts: list[Post], numbers: list[int]) -> dict[str, pa.Array]:
        file = block.file.index
        columns = {
            "row_key": pa.array([row_key(file, block.positions[n]) for n in numbers], "int64"),
            "post_id": pa.array([self._post_id(post.post_id) for post in posts], "binary"),
            "post_digest": pa.array([identities.digest(p.post_id) for p in posts], "binary"),
        }
        if self.labelled:
            users = [identities.hide(post.user_id, self.id_key) for post in posts]
            columns["user_id"] = pa.array(users, "binary")
        return columns

    def _images(self, file: InputFile, posts: list[Post]) -> dict[str, pa.Array]:
        root = self.image_root
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
        if self.hide_post_ids:
            return identities.hide(post_id, self.id_key)
        return post_id.encode()

    def _reject(self, block: RowBlock, number: int, error: PostError) -> dict[str, Any]:
        row = block.rows[number]
        post_id = row.get("post_id") if isinstance(row, dict) else None
        is_named = post_id is not None and error.reason not in ("no_post_id", "bad_post_id")
        written = self._post_id(str(post_id)) if is_named else None
        return rejection(written, error, block.file.source, block.positions[number])


def _join(root: str, image: str) -> str:
    if storage.is_remote(image) or image.startswith("/") or not root:
        return image
    return storage.join(root, image)
