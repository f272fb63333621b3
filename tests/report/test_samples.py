import base64
import gzip
import io
import json

import numpy as np
import pytest
from evaluated_runs import write_posts
from PIL import Image

from tagkeras.cli.errors import UserError
from tagkeras.report.inputs import Omitted
from tagkeras.report.sections.samples import THUMBNAIL_SIZE, find_samples, make_thumbnail

IDS = [f"p{number}" for number in range(30)]


def find(path, root=None, number=4):
    return find_samples(path, IDS, root or path.parent, number)


def ids_of(samples):
    return [post.post_id for post, _ in samples.posts]


def test_a_thumbnail_is_small_and_upright():
    left_red = Image.new("RGB", (1000, 600), (0, 0, 255))
    left_red.paste((255, 0, 0), (0, 0, 500, 600))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: what was left is up
    content = io.BytesIO()
    left_red.save(content, "JPEG", exif=exif, quality=95)
    thumbnail = make_thumbnail(content.getvalue())
    assert (thumbnail.width, thumbnail.height) == (round(THUMBNAIL_SIZE * 0.6), THUMBNAIL_SIZE)
    data = thumbnail.uri.removeprefix("data:image/jpeg;base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert picture.size == (thumbnail.width, thumbnail.height)
    assert not picture.getexif()
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert pixels[10, 50, 0] > 200 > 60 > pixels[10, 50, 2]
    assert pixels[-10, 50, 2] > 200 > 60 > pixels[-10, 50, 0]


def test_the_same_posts_are_taken_whatever_the_order(tmp_path):
    path = write_posts(tmp_path / "posts.jsonl", [*IDS, "other"])
    samples = ids_of(find(path))
    assert len(samples) == 4
    assert set(samples) < set(IDS)
    assert samples != sorted(samples)  # by a hash
    lines = path.read_text().splitlines()
    path.write_text("\n".join(["not json", "[1]", '{"post_id": "p1"}', "", *lines[::-1]]))
    assert ids_of(find(path)) == samples
    (tmp_path / "posts.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert ids_of(find(tmp_path / "posts.jsonl.gz")) == samples


def test_an_unreadable_photo_gives_way_and_is_named(tmp_path):
    path = write_posts(tmp_path / "posts.jsonl", IDS)
    first, second, *_ = ids_of(find(path))
    (tmp_path / "images" / f"{first}.jpg").write_bytes(b"no picture")
    (tmp_path / "images" / f"{second}.jpg").unlink()
    samples = find(path)
    assert len(samples.posts) == 4
    assert not {first, second} & set(ids_of(samples))
    assert samples.unreadable == [
        f"images/{first}.jpg of {first}: no image of a known format",
        f"images/{second}.jpg of {second}: No such file or directory",
    ]


def test_an_absent_image_root(tmp_path):
    path = write_posts(tmp_path / "posts.jsonl", ["other"])
    with pytest.raises(UserError, match="--image_root=.*absent: no such folder"):
        find(path, root=tmp_path / "absent")


def test_no_photo_at_all(tmp_path):
    path = write_posts(tmp_path / "posts.jsonl", IDS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no photo of the samples can be read: images/.*image_root"):
        find(path, root=tmp_path / "empty")
    row = {"user_id": "ann", "hashtags": ["a"], "descriptor": [1.0]}
    path.write_text("\n".join(json.dumps({"post_id": post_id, **row}) for post_id in IDS))
    with pytest.raises(Omitted, match="descriptors in place of images"):
        find(path)
