"""All that people or attackers may hand in at once: what becomes of each is known beforehand."""

import itertools
import resource
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from beam_helpers import SIZE, give_images, make_posts, read, read_rejected, run
from hostile_pictures import (
    PRIVATE,
    WRITTEN,
    bad_pictures,
    encode,
    good_pictures,
    missing_pictures,
    scene,
)
from hostile_rows import (
    LINE_BYTES,
    Row,
    descriptor_lines,
    image_lines,
    lines,
    parquet_descriptors,
    parquet_rows,
    to_line,
    to_table,
)
from tiny_cnn import save_cnn

from beam.posts import rows as rows_of_files
from tagkeras.data.hashtags import normalize

FLAGS = {"test_fraction": 0.0, "validation_fraction": 0.0}
# One of these reasons means that there is no id to name the post by.
NAMELESS = {"malformed_row", "no_post_id", "bad_post_id"}


class Item(NamedTuple):
    """Something that was handed in."""

    name: str
    expected: str  # the reason of its rejection, or `WRITTEN`
    post_id: str
    tags: tuple[str, ...]  # of the post, if it is written
    secrets: list[str]  # texts that no detail may hold


class Corpus:
    """Files of posts in a folder, and for each place in them what stands there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items: dict[str, Item] = {}
        self.pattern = str(folder / "posts*")

    def add_lines(self, name: str, rows: dict[str, Row], **good: Any) -> None:
        """Writes a file of JSON Lines that begins with a byte order mark."""
        path, content = self.folder / name, b"\xef\xbb\xbf"
        for row_name, row in rows.items():
            self._add(f"{name}, byte {len(content) if self.items else 0}", row_name, row)
            content += to_line(row_name, row, **good) + b"\n"
        path.write_bytes(content)

    def add_table(
        self, name: str, rows: dict[str, Row], table: pa.Table | None = None, **good: Any
    ) -> None:
        """Writes a Parquet file of rows, or of their table."""
        for number, (row_name, row) in enumerate(rows.items()):
            self._add(f"{name}, row {number}", row_name, row)
        table = to_table(rows, **good) if table is None else table
        pq.write_table(table, self.folder / name, row_group_size=5)

    def _add(self, place: str, name: str, row: Row) -> None:
        assert name not in {item.name for item in self.items.values()}
        fields = row.fields if isinstance(row.fields, dict) else {}
        post_id = row.post_id or str(fields.get("post_id", name))
        self.items[place] = Item(name, row.expected, post_id, row.tags, [*secrets_of(fields)])


def secrets_of(value: Any) -> Any:
    """Texts that would tell what a value was; short ones might stand anywhere."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value[:100]:
            yield from secrets_of(part)
    elif isinstance(value, (str, bytes, int, float)) and not isinstance(value, bool):
        text = repr(value).strip("b'\"")
        if len(text) > 3:
            yield text


def to_rows(posts: list[dict[str, Any]]) -> dict[str, Row]:
    """Rows of good posts."""
    return {
        post["post_id"]: Row(WRITTEN, post, tuple({normalize(tag) for tag in post["hashtags"]}))
        for post in posts
    }


def picture_lines(folder: Path) -> dict[str, Row]:
    """Lines whose images are odd files in a folder, which are made."""
    rows = {}
    folder.mkdir(exist_ok=True)
    pictures = {**good_pictures(), **bad_pictures(), **missing_pictures()}
    suffixes = itertools.cycle([".jpg", ".png", ".gif", "", ".webp", ".txt"])
    for number, (name, picture) in enumerate(pictures.items()):
        path = folder / f"{PRIVATE}-{number}{next(suffixes)}"
        if isinstance(picture.make, bytes):
            path.write_bytes(picture.make)
        else:
            picture.make(path)
        rows[name] = Row(picture.expected, {"image": f"{folder.name}/{path.name}"})
    return rows


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The corpus of posts with images."""
    corpus = Corpus(tmp_path_factory.mktemp(PRIVATE))
    folder = corpus.folder / PRIVATE
    good = give_images(make_posts(20), folder)
    rows = {**to_rows(good), **picture_lines(folder), **lines(), **image_lines()}
    corpus.add_lines("posts-0.jsonl", rows, image=good[0]["image"])
    plain = encode(scene(), "PNG")
    corpus.add_table("posts-1.parquet", parquet_rows(), image_bytes=plain)
    # Arrow cannot hand a day so late to Python.
    late = {"p_late": Row("malformed_row", {}), "p_too_late": Row("malformed_row", {})}
    table = to_table(late, image_bytes=plain)
    ages = pa.array([2**31 - 1] * 2, pa.date32())
    table = table.set_column(table.schema.get_field_index("age"), "age", ages)
    corpus.add_table("posts-2.parquet", late, table)
    save_cnn(corpus.folder / "cnn.keras")
    return corpus


@pytest.fixture(scope="module")
def descriptors(tmp_path_factory):
    """The corpus of posts with descriptors."""
    corpus = Corpus(tmp_path_factory.mktemp(PRIVATE))
    rows = {**to_rows(make_posts(20)), **descriptor_lines(SIZE)}
    corpus.add_lines("posts-0.jsonl", rows, descriptor=[0.5] * SIZE)
    corpus.add_table("posts-1.parquet", parquet_descriptors(SIZE))
    texts = pa.array([[b"0.5"] * SIZE, [b"\xff"] * SIZE], pa.list_(pa.binary()))
    odd = {"q_texts": Row("bad_descriptor", {}), "q_not_utf8": Row("bad_descriptor", {})}
    table = to_table(odd).append_column("descriptor", texts.cast(pa.list_(pa.string()), safe=False))
    corpus.add_table("posts-2.parquet", odd, table)
    return corpus


class Cost(NamedTuple):
    """What a run took."""

    output: Path
    seconds: float  # of the processor, which do not depend on what else runs
    bytes: int  # by which the most memory that this process ever held grew


def measure(corpus: Corpus, output: Path, **flags: Any) -> Cost:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(rows_of_files, "MAX_LINE_BYTES", LINE_BYTES)
        seconds, held = time.process_time(), peak_bytes()
        run(corpus.pattern, output, **FLAGS, **flags)
        return Cost(output, time.process_time() - seconds, peak_bytes() - held)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.fixture(scope="module")
def of_images(images, tmp_path_factory):
    output = tmp_path_factory.mktemp("of_images") / "out"
    return measure(images, output, cnn=str(images.folder / "cnn.keras"))


@pytest.fixture(scope="module")
def of_descriptors(descriptors, tmp_path_factory):
    return measure(descriptors, tmp_path_factory.mktemp("of_descriptors") / "out")


@pytest.fixture(params=["images", "descriptors"])
def ran(request):
    """A corpus and the run on it."""
    return request.getfixturevalue(request.param), request.getfixturevalue(f"of_{request.param}")


def find_surprises(corpus: Corpus, output: Path) -> dict[str, str]:
    """What became of items, where it is not what was expected."""
    rejected = {row["source"]: row for row in read_rejected(output)}
    posts, surprises = read(output), {}
    for place, item in corpus.items.items():
        row, post = rejected.pop(place, None), None
        if item.expected == WRITTEN:
            post = posts.pop(item.post_id, None)
            if row is not None:
                found = f"{row['reason']} ({row['detail']})"
            elif post is None:
                found = "nowhere"
            elif sorted(post["tags"]) != sorted(item.tags):
                found = f"{post['tags']} instead of {item.tags}"
            else:
                continue
        elif row is None:
            found = "not rejected"
        elif row["reason"] != item.expected:
            found = f"{row['reason']} ({row['detail']})"
        elif row["post_id"] != (None if item.expected in NAMELESS else item.post_id):
            found = f"rejected as {row['post_id']}"
        else:
            continue
        surprises[item.name] = f"{item.expected} expected, {found}"
    surprises |= {
        f"{place}, where nothing stands": row["reason"] for place, row in rejected.items()
    }
    return surprises | {f"{post_id}, which nobody wrote": WRITTEN for post_id in posts}


def test_each_item_has_its_reason_or_its_tags(ran):
    corpus, cost = ran
    assert find_surprises(corpus, cost.output) == {}


def test_details_are_a_short_line_without_metadata(ran):
    corpus, cost = ran
    for row in read_rejected(cost.output):
        item, detail = corpus.items[row["source"]], row["detail"]
        assert 5 < len(detail) < 200, item.name
        assert detail.isprintable(), item.name
        secrets = [PRIVATE, "/", ".py", *item.secrets]
        assert not [secret for secret in secrets if secret in detail], (item.name, detail)


def test_pictures_of_the_scene_look_alike_in_every_format(images, of_images):
    posts = read(of_images.output)
    pictures = {**good_pictures(), **missing_pictures()}
    shown = {name for name, picture in pictures.items() if picture.shows_scene}
    expected = posts["png"]["descriptor"].astype(np.float32)
    distances = {
        name: np.abs(posts[name]["descriptor"].astype(np.float32) - expected).max()
        for name, picture in pictures.items()
        if picture.expected == WRITTEN
    }
    assert {name for name, distance in distances.items() if distance < 0.03} == shown


def test_neither_takes_long_nor_much_memory(ran):
    _, cost = ran
    assert cost.seconds < 30
    assert cost.bytes < 2**30


@pytest.mark.slow
def test_worker_processes_find_the_same(images, tmp_path):
    cnn = str(images.folder / "cnn.keras")
    run(images.pattern, tmp_path / "out", "--direct_num_workers=2", cnn=cnn, **FLAGS)
    assert find_surprises(images, tmp_path / "out") == {}
