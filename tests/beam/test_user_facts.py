"""Categories and numbers of one's own: what is counted, kept, written and said of them."""

import collections
import gzip
import itertools
import math
import statistics

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from beam_helpers import check_same, make_posts, read, run, write_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from beam.posts import identities
from beam.posts import rows as rows_of_files
from beam.preprocess.config import Config
from beam.preprocess.held_out import nearest_fraction, take_lowest
from beam.preprocess.make_manifest import summarize
from beam.preprocess.user_facts import Statistics, sum_up
from beam.staging import passes
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.posts import PostError, parse_post

CONFIG = Config(
    input="x",
    output="y",
    countries=("US",),
    user_categories=("camera", "job"),
    user_numbers=("price",),
    min_category_users=2,
)
FLAGS = {"user_categories": ("camera",), "user_numbers": ("price",), "min_category_users": 2}
PEOPLE = st.tuples(
    st.sampled_from([b"%d" % user for user in range(6)]),
    st.sampled_from([None, "a", "b", "c"]),
    st.sampled_from([None, "a", "d"]),
    st.none() | st.floats(-(2.0**99), 2.0**99, width=32),
)


def test_by_hand():
    people = collections.Counter(
        {
            (b"ann", "x", None, 1.0): 5,
            (b"ann", "y", "cook", 1.0): 1,
            (b"bob", "y", None, 3.0): 1,
            (b"cid", "x", None, None): 1,
            (b"dan", "z", None, 3.0): 9,
            (b"eve", "y", None, None): 1,
        }
    )
    found = Statistics.of(sum_up([people], CONFIG), CONFIG, 0.2)
    # Three users have y, two x though on more posts, and one z.
    assert found.facts.categories == {"camera": ("y", "x"), "job": ()}
    mean, deviation = found.facts.numbers["price"]
    numbers = [1.0] * 6 + [3.0] * 10
    assert mean == statistics.fmean(numbers)
    assert deviation == pytest.approx(statistics.pstdev(numbers), rel=1e-15)
    assert found.posts == {"": 18, "camera": 18, "job": 1, "price": 16}
    assert Statistics.from_json(found.to_json()) == found


@settings(max_examples=60, deadline=None)
@given(st.lists(PEOPLE, max_size=40), st.randoms(use_true_random=False))
def test_sums_are_the_same_however_the_posts_are_grouped(posts, random):
    whole = Statistics.of(sum_up([collections.Counter(posts)], CONFIG), CONFIG, 0.2)
    random.shuffle(posts)
    by_user = collections.defaultdict(list)
    for post in posts:
        by_user[int(post[0]) % 3].append(collections.Counter([post]))
    total = {}
    for groups in by_user.values():
        for key, terms in sum_up(groups, CONFIG).items():
            before = total.get(key, (0,) * len(terms))
            total[key] = tuple(map(sum, zip(before, terms, strict=True)))
    assert Statistics.of(total, CONFIG, 0.2) == whole
    users = collections.defaultdict(set)
    for user, camera, _, _ in posts:
        users[camera].add(user)
    kept = [v for v in users if v is not None and len(users[v]) >= 2]
    assert list(whole.facts.categories["camera"]) == sorted(kept, key=lambda v: (-len(users[v]), v))
    numbers = [price for *_, price in posts if price is not None]
    assert whole.posts["price"] == len(numbers)
    if numbers:
        mean, deviation = whole.facts.numbers["price"]
        assert mean == pytest.approx(math.fsum(numbers) / len(numbers), rel=1e-12)
        assert deviation == pytest.approx(statistics.pstdev(numbers) or 1.0, rel=1e-12)


def test_no_posts_and_equal_numbers():
    assert Statistics.of({}, CONFIG, 0.2).facts.numbers == {"price": (0.0, 1.0)}
    smallest = 2.0**-149
    for number in (7.25, -3e38, smallest):
        people = {(b"a", None, None, number): 3, (b"b", None, None, number): 1}
        assert Statistics.of(sum_up([people], CONFIG), CONFIG, 0.2).facts.numbers["price"] == (
            number,
            1,
        )


def test_at_most_a_thousand_values():
    people = {(b"%d" % (n % 2), f"v{n // 2:04}", None, None): 1 for n in range(2400)}
    kept = Statistics.of(sum_up([people], CONFIG), CONFIG, 0.2).facts.categories["camera"]
    assert kept == tuple(f"v{n:04}" for n in range(1000))


def give_facts(rows):
    """Rows with a camera and a price; some say nothing, each in another way."""
    cameras = ["a", "b", 7, True, None, "", math.nan, "rare"]
    for number, row in enumerate(rows):
        user = int(row["user_id"].removeprefix("user"))
        row["camera"] = f"rare{user}" if user % 8 == 7 else cameras[user % 8]
        row["price"] = [10.5, -2, None, "", math.nan][number % 5]
    return rows


def test_a_dataset(tmp_path):
    rows = give_facts(make_posts(300, users=60))
    again = [{**rows[0], "camera": "again", "price": 1e9, "user_id": f"user9{n}"} for n in range(5)]
    source = write_lines(tmp_path / "posts.jsonl", [*rows, *again])
    manifest = run(source, tmp_path / "out", **FLAGS)
    posts = read(tmp_path / "out")
    assert manifest.counts["rejected"] == {"duplicate_post_id": 5}
    train = {post_id: post for post_id, post in posts.items() if post["split"] == "train"}
    users = collections.defaultdict(set)
    for row in rows:
        post = posts[row["post_id"]]
        known = {"a": b"a", "b": b"b", 7: b"7", True: b"true"}
        expected = known.get(row["camera"], b"")
        if str(row["camera"]).startswith("rare"):
            expected = row["camera"].encode()
        assert post["camera"] == expected
        price = row["price"] if isinstance(row["price"], (int, float)) else math.nan
        np.testing.assert_array_equal(post["price"], np.float32(price))
        if row["post_id"] in train and expected:
            users[expected.decode()].add(row["user_id"])
    kept = sorted((v for v in users if len(users[v]) > 1), key=lambda v: (-len(users[v]), v))
    assert manifest.facts.categories == {"camera": tuple(kept)}
    assert set(kept) == {"a", "b", "7", "true"}
    prices = [p["price"] for p in train.values() if not np.isnan(p["price"])]
    mean, deviation = manifest.facts.numbers["price"]
    assert (mean, deviation) == pytest.approx((np.mean(prices), np.std(prices)), rel=1e-6)
    # What is written of users, and what is said of it.
    stored = np.array([post["user_descriptor"] for post in posts.values()])
    columns = {c.fact: slice(c.start, c.stop) for c in manifest.facts.columns}
    for post, user in zip(posts.values(), stored, strict=True):
        one_hot = [float(post["camera"].decode() == value) for value in kept]
        np.testing.assert_array_equal(user[columns["camera"]], one_hot)
        number = 0 if np.isnan(post["price"]) else (post["price"] - mean) / deviation
        np.testing.assert_allclose(user[columns["price"]], [number], atol=1e-6)
    trained = np.array([post["user_descriptor"] for post in train.values()])
    assert list(manifest.varies) == (trained.min(axis=0) < trained.max(axis=0)).tolist()
    cameras = [post["camera"].decode() for post in train.values()]
    assert manifest.user_descriptor["seen"]["camera"] == {
        "known": sum(map(bool, cameras)),
        "not_kept": sum(camera.startswith("rare") for camera in cameras),
    }
    assert manifest.user_descriptor["seen"]["price"] == {"known": len(prices)}


def test_the_same_dataset_in_other_files_blocks_and_bundles(tmp_path, monkeypatch):
    rows = give_facts(make_posts(120, users=40))
    for row in rows:
        row["price"] = row["price"] and float(np.float32(hash(row["post_id"]) % 1e6 / 7))
        row["camera"] = None if row["camera"] != row["camera"] else str(row["camera"] or "")
    run(write_lines(tmp_path / "posts.jsonl", rows), tmp_path / "one", **FLAGS)
    (tmp_path / "in").mkdir()
    monkeypatch.setattr(passes, "BLOCK_ROWS", 7)
    monkeypatch.setattr(rows_of_files, "BLOCK_BYTES", 3000)
    for part in range(5):
        table = pa.Table.from_pylist(rows[part::5])
        pq.write_table(table, tmp_path / "in" / f"{part}.parquet", row_group_size=9)
    run(tmp_path / "in" / "*.parquet", tmp_path / "other", num_shards=4, **FLAGS)
    check_same(tmp_path / "one", tmp_path / "other")
    one, other = (Manifest.load(tmp_path / name) for name in ("one", "other"))
    assert one.user_descriptor == other.user_descriptor


@pytest.mark.slow
def test_the_same_dataset_by_several_processes(tmp_path):
    rows = give_facts(make_posts(3000, users=400))
    source = write_lines(tmp_path / "posts.jsonl", rows)
    run(source, tmp_path / "one", **FLAGS)
    content = (tmp_path / "posts.jsonl").read_bytes()
    (tmp_path / "posts.jsonl.gz").write_bytes(gzip.compress(content))
    run(tmp_path / "posts.jsonl.gz", tmp_path / "two", "--direct_num_workers=2", **FLAGS)
    check_same(tmp_path / "one", tmp_path / "two")
    one, two = (Manifest.load(tmp_path / name) for name in ("one", "two"))
    assert one.user_descriptor == two.user_descriptor


def test_only_countries_and_a_number_of_test_posts(tmp_path):
    rows = make_posts(400, users=200)
    rows[1]["country"] = ""
    rows[2] |= {"country": "US", "descriptor": [1.0]}
    source = write_lines(tmp_path / "posts.jsonl", rows)
    flags = {"only_countries": ("GB", "FR"), "test_posts": 50}
    manifest = run(source, tmp_path / "out", **flags)
    wanted = {row["post_id"] for row in rows if row["country"] in ("GB", "FR")}
    assert set(read(tmp_path / "out")) == wanted
    assert manifest.counts["dropped"] == {"other_country": 399 - len(wanted)}
    assert set(manifest.facts.countries) == {"GB", "FR"}
    by_user = collections.Counter(r["user_id"] for r in rows if r["post_id"] in wanted)
    in_order = sorted(by_user, key=lambda user: identities.draw_user(user, 0))
    counts = list(itertools.accumulate(by_user[user] for user in in_order))
    held_out = manifest.splits["test"]["posts"]
    assert held_out == min(counts, key=lambda count: (abs(count - 50), -count))
    assert abs(held_out - 50) <= max(by_user.values()) / 2
    fraction = manifest.fractions["test"]
    last = in_order[counts.index(held_out)]
    assert identities.draw_user(last, 0) < fraction
    assert manifest.fractions["validation"] == 0.05
    again = run(source, tmp_path / "again", only_countries=("GB", "FR"), test_fraction=fraction)
    assert again.splits == manifest.splits
    said = summarize(manifest, Config(input="x", output="y", **flags)).splitlines()
    assert f"--test_posts=50: {fraction:.4g} of the users" in said
    assert said[-2].startswith("country: 2 values kept, 0 training posts with others")


@given(st.lists(st.integers(1, 5), max_size=8), st.integers(1, 25), st.randoms())
def test_the_users_with_nearest_to_a_number_of_posts(sizes, number, random):
    posts = [user / 8 for user, size in enumerate(sizes) for _ in range(size)]
    random.shuffle(posts)
    parts = [take_lowest([np.array(posts[part::3])], number) for part in range(3)]
    lowest = take_lowest(parts, number)
    assert len(lowest) <= number + 4
    fraction = nearest_fraction(lowest, number)
    if sum(sizes) < number:
        assert fraction == 1
    else:
        counts = list(itertools.accumulate(sizes))
        nearest = min(counts, key=lambda count: (abs(count - number), -count))
        assert sum(draw < fraction for draw in posts) == nearest


def test_what_is_said_of_facts_that_tell_nothing(tmp_path):
    rows = make_posts(60, age=None, latitude=None, price=3, country="US", camera="a")
    for number, row in enumerate(rows):
        row["job"] = f"job{number}"
    source = write_lines(tmp_path / "posts.jsonl", rows)
    flags = {"user_categories": ("camera", "job"), "user_numbers": ("price",)}
    manifest = run(source, tmp_path / "out", **flags)
    masked = "age, country, place, camera, job, price"
    said = summarize(manifest, Config(input="x", output="y", **flags)).splitlines()
    assert said[-2] == f"alike in all training posts, so that models will ignore it: {masked}"
    posts = manifest.splits["train"]["posts"]
    others = "training posts with others, which count as unknown"
    assert said[-5:-2] == [
        f"country: 1 values kept, 0 {others}",
        f"camera: 1 values kept, 0 {others}",
        f"job: 0 values kept, {posts} {others}",
    ]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"user_categories": ("kamera",)}, "--user_categories=kamera: no training post has"),
        ({"user_numbers": ("prize",)}, "--user_numbers=prize: no training post has"),
        ({"only_countries": ("NO",)}, "no post is from NO"),
        ({"test_posts": 1000}, "no training posts"),
    ],
)
def test_nothing_is_written_where_flags_do_not_fit_the_posts(tmp_path, capsys, flags, words):
    source = write_lines(tmp_path / "posts.jsonl", make_posts(20))
    with pytest.raises(UserError, match=words):
        run(source, tmp_path / "out", **flags)
    assert not (tmp_path / "out").exists()
    warnings = [f"none of the first posts says anything of {n}" for n in ("kamera", "prize")]
    said = capsys.readouterr().err
    assert any(line in said for line in warnings) == ("no training post has" in words)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("camera", ["a"], "bad_camera"),
        ("camera", 1.5, "bad_camera"),
        ("camera", "x" * 201, "bad_camera"),
        ("price", "10", "bad_price"),
        ("price", 1e39, "bad_price"),
        ("price", True, "bad_price"),
    ],
)
def test_bad_values(field, value, reason):
    row = {**make_posts(1)[0], field: value}
    with pytest.raises(PostError, match=reason) as raised:
        parse_post(row, facts=Config(input="x", output="y", **FLAGS).facts)
    assert str(value) not in raised.value.detail
