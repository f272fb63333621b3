import bz2
import functools
import gzip
import json
import pickle

import numpy as np
import pytest
from beam_helpers import read, read_rejected, run
from PIL import Image
from tiny_cnn import save_cnn

from beam.posts.files import find_inputs, read_rows
from beam.posts.yfcc100m import parse_yfcc100m
from tagkeras.cli.errors import UserError
from tagkeras.data.posts import PostError, parse_post

parse_yfcc100m_hash = functools.partial(parse_yfcc100m, by_hash=True)

# As published: a byte's leading zero is missing, so that a hash may have 31 digits.
HASH = "031beefc0ffee5a1b2c3d4e5f60718a"


def make_line(
    number,
    tags="",
    longitude="",
    latitude="",
    *,
    photo_hash=None,
    user="11@N00",
    marker="0",
    url="http://farm1.staticflickr.com/8/{}_5ec4e7.jpg",
):
    """A line of the first release or, with a hash, of the later one."""
    fields = [str(number), user, "some+one", "2005-03-01 12:39:28.0", "1111467388", "SONY+CLIE"]
    fields += ["A%09title", "First%0Asecond%2C+third", tags, "geo:tagged,upload:by%3Dphone"]
    fields += [longitude, latitude, "15" if latitude else ""]
    fields += [f"http://www.flickr.com/photos/{user}/{number}/", url.format(number)]
    fields += ["Attribution License", "http://creativecommons.org/licenses/by/2.0/"]
    fields += ["8", "1", "5ec4e7", "0419ec4e7", "jpg", marker]
    if photo_hash is not None:
        fields = ["70", fields[0], photo_hash, *fields[1:]]
    return "\t".join(fields).encode()


FIRST = make_line(4567, "gnome,black+and+white,b%26w", "-122.288368", "47.622562")
FIRST_ROW = {
    "post_id": "4567",
    "user_id": "11@N00",
    "image": "4567_5ec4e7.jpg",
    "hashtags": ["gnome", "black and white", "b&w"],
    "latitude": 47.622562,
    "longitude": -122.288368,
}
SECOND = make_line(89, "", photo_hash=HASH, user="22@N01")
SECOND_ROW = dict.fromkeys(FIRST_ROW)
SECOND_ROW |= {"post_id": "89", "user_id": "22@N01", "image": "89_5ec4e7.jpg"}


@pytest.mark.parametrize(
    ("name", "compress"), [("a.txt", bytes), ("a.gz", gzip.compress), ("a.bz2", bz2.compress)]
)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_both_releases_however_compressed(tmp_path, name, compress, newline):
    (tmp_path / name).write_bytes(compress(FIRST + newline + SECOND + newline))
    mirrored = {**SECOND_ROW, "image": "031/bee/031beefc0ffee5a1b2c3d4e5f60718a.jpg"}
    for file_format, rows in [
        ("yfcc100m", [FIRST_ROW, SECOND_ROW]),
        ("yfcc100m_hash", ["23 fields: without the photo's hash, which 25 have", mirrored]),
    ]:
        (file,) = find_inputs(str(tmp_path / name), file_format)
        (block,) = read_rows(file, 10)
        assert block.positions == [0, len(FIRST + newline)]
        assert block.rows == rows


@pytest.mark.parametrize(
    ("field", "decoded", "normalized"),
    [
        ("%23Football", ["#Football"], ("football",)),
        ("c%2B%2B,a+b", ["c++", "a b"], ("c++", "a b")),
        # A comma that is encoded is none between hashtags.
        ("one%2Ctwo,three", ["one,two", "three"], ("one,two", "three")),
        ("caf%C3%A9,%E6%9D%B1%E4%BA%AC", ["café", "東京"], ("café", "東京")),
        ("café", ["café"], ("café",)),
        ("100%,,x", ["100%", "x"], ("100%", "x")),
        # Latin-1 in the encoding: that hashtag is refused, not the post.
        ("caf%E9,x", ["caf\udce9", "x"], ("x",)),
    ],
)
def test_hashtags_are_decoded(field, decoded, normalized):
    for photo_hash in (None, HASH):
        row = parse_yfcc100m(make_line(1, field, photo_hash=photo_hash))
        assert row["hashtags"] == decoded
        assert parse_post(row).hashtags == normalized


def test_the_longitude_comes_first_and_a_place_needs_both():
    facts = parse_post(parse_yfcc100m(make_line(7, "x", "-122.3", "47.6"))).facts
    assert (facts["latitude"], facts["longitude"]) == (47.6, -122.3)
    facts = parse_post(parse_yfcc100m(make_line(7, "x", "-122.3", ""))).facts
    assert np.isnan([facts["latitude"], facts["longitude"]]).all()
    with pytest.raises(PostError, match="bad_coordinates"):
        parse_post(parse_yfcc100m(make_line(7, "x", "-122.3", "north")))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"1\t2\t3", "3 tab-separated fields, not 23 or 25"),
        (FIRST + b"\t", "24 tab-separated fields, not 23 or 25"),
        (b'{"post_id": "p1"}', "1 tab-separated fields, not 23 or 25"),
        (FIRST.replace(b"gnome", b"gn\xf6me"), "not UTF-8"),
        (make_line(1, "x", marker=""), "the last field is neither 0, a photo, nor 1, a video"),
    ],
)
def test_malformed_lines(line, text):
    assert parse_yfcc100m(line) == text
    assert parse_yfcc100m_hash(line) == text


@pytest.mark.parametrize("photo_hash", ["", "../../etc/passwd", HASH.upper(), HASH + "00"])
def test_invalid_hashes(photo_hash):
    line = make_line(1, "x", photo_hash=photo_hash)
    assert parse_yfcc100m_hash(line) == "the photo's hash is none"
    assert parse_yfcc100m(line)["image"] == "1_5ec4e7.jpg"


@pytest.mark.parametrize("photo_hash", [None, HASH])
@pytest.mark.parametrize("parse", [parse_yfcc100m, parse_yfcc100m_hash])
def test_videos_are_refused(parse, photo_hash):
    # Rows travel between processes.
    row = pickle.loads(pickle.dumps(parse(make_line(1, "x", photo_hash=photo_hash, marker="1"))))
    assert isinstance(row, PostError)
    assert (row.reason, row.detail) == ("not_a_photo", "a video")


def test_photos_become_a_dataset(tmp_path):
    save_cnn(tmp_path / "cnn.keras")
    images = tmp_path / "images"
    lines, hashes = [], [f"{n:03x}{n + 40:03x}{'e' * 25}" for n in range(30)]
    for number, photo_hash in enumerate(hashes):
        content = tmp_path / "content.jpg"
        Image.new("RGB", (24, 18), (8 * number, 99, 255 - 8 * number)).save(content)
        mirrored = images / f"{number:03x}" / f"{number + 40:03x}" / f"{photo_hash}.jpg"
        for path in (images / f"{number}_5ec4e7.jpg", mirrored):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read_bytes())
        tags = f"%23Both,tag{number % 3}"
        lines.append(
            make_line(number, tags, "2.37", "48.86", photo_hash=photo_hash, user=f"{number % 9}@N")
        )
    lines[4] = make_line(4, "x", photo_hash=hashes[4], marker="1")
    lines[5] = lines[5].rpartition(b"\t")[0]
    lines[6] = make_line(6, "", photo_hash=hashes[6])
    lines[7] = make_line(77, "x", photo_hash="f" * 31)
    lines[8] = make_line(8, "x", photo_hash=hashes[8], url="")
    (tmp_path / "yfcc100m_dataset.bz2").write_bytes(bz2.compress(b"\n".join(lines) + b"\n"))
    flags = {"cnn": str(tmp_path / "cnn.keras"), "image_root": str(images)}
    flags["descriptor_dtype"] = "float32"
    source = tmp_path / "yfcc100m_dataset.bz2"
    manifest = run(source, tmp_path / "a", input_format="yfcc100m", **flags)
    assert manifest.counts["posts_read"] == 30
    reasons = ("not_a_photo", "malformed_row", "no_hashtags", "image_missing", "no_image")
    assert manifest.counts["rejected"] == dict.fromkeys(reasons, 1)
    rejected = {row["reason"]: row for row in read_rejected(tmp_path / "a")}
    assert rejected["not_a_photo"] == {
        "post_id": None,
        "reason": "not_a_photo",
        "detail": "a video",
        "source": f"{source.name}, byte {sum(len(line) + 1 for line in lines[:4])}",
    }
    assert rejected["malformed_row"]["detail"] == "24 tab-separated fields, not 23 or 25"
    assert rejected["image_missing"]["post_id"] == "77"
    assert "some+one" not in json.dumps(rejected)
    posts = read(tmp_path / "a")
    assert set(posts) == {str(number) for number in range(30)} - {"4", "5", "6", "7", "8"}
    for post_id, post in posts.items():
        known = {"both", f"tag{int(post_id) % 3}"}
        assert set(post["tags"]) <= known
        assert len(post["tags"]) + post["out_of_vocabulary"] == 2
        np.testing.assert_allclose(post["location"], [48.9, 2.4], atol=1e-6)
        assert np.isnan(post["age"])
        assert post["country"] == b""

    # The same images under their other names.
    del lines[8]
    source.write_bytes(bz2.compress(b"\n".join(lines)))
    run(source, tmp_path / "b", input_format="yfcc100m_hash", **flags)
    mirrored = read(tmp_path / "b")
    assert set(mirrored) == set(posts)
    for post_id, post in posts.items():
        np.testing.assert_array_equal(post["descriptor"], mirrored[post_id]["descriptor"])


def test_a_release_without_hashes_is_named(tmp_path):
    source = tmp_path / "yfcc100m_dataset-0"
    source.write_bytes(FIRST)
    with pytest.raises(UserError, match="23 fields: without the photo's hash"):
        run(source, tmp_path / "out", input_format="yfcc100m_hash")
