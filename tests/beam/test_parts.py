import collections
import threading
from concurrent.futures import ThreadPoolExecutor

import apache_beam
import numpy as np
import pytest
from hostile_pictures import encode
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from beam.images import describer
from beam.images.describer import ImageLoader, map_ahead
from beam.posts import identities
from beam.preprocess.make_manifest import histogram
from beam.running.runner import IN_PROCESS, parse_options, run_pipeline
from beam.staging.duplicates import ID_ROW, find_duplicates, is_among
from beam.staging.shards import plan_shards
from beam.staging.staging_folder import StagedBlock
from tagkeras.cli.errors import UserError
from tagkeras.data.posts import PostError


class TestIdentities:
    def test_splits_have_their_fractions(self):
        splits = collections.Counter(
            identities.choose_split(identities.draw_user(f"user{n}", 5), 0.1, 0.3)
            for n in range(20_000)
        )
        for split, (fraction, bound) in enumerate([(0.6, 0.015), (0.1, 0.01), (0.3, 0.015)]):
            assert abs(splits[split] / 20_000 - fraction) < bound

    def test_draws_are_uniform_and_independent_of_each_other(self):
        digests = [identities.digest(f"post{n}") for n in range(4000)]
        draws = np.array([[identities.draw_pair(d, tag, 1) for tag in "ab"] for d in digests])
        assert ((draws >= 0) & (draws < 1)).all()
        assert abs(draws.mean() - 0.5) < 0.02
        assert abs(np.corrcoef(draws.T)[0, 1]) < 0.06
        assert identities.draw_pair(digests[0], "a", 1) != identities.draw_pair(digests[0], "a", 2)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30))
def test_duplicates_are_all_but_the_first(digests):
    rows = np.array([(high, low, key) for key, (high, low) in enumerate(digests)], ID_ROW)
    order = np.random.default_rng(0).permutation(len(rows))
    groups = [rows[order[:7]].tobytes(), rows[order[7:]].tobytes()]
    first = {}
    expected = [key for key, digest in enumerate(digests) if first.setdefault(digest, key) != key]
    assert find_duplicates(0, groups).tolist() == expected


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_is_among(values, among):
    found = is_among(np.array(values, np.int64), np.array(sorted(among), np.int64))
    assert found.tolist() == [value in among for value in values]


def make_blocks(count, size=10):
    rejected = [{}, {"bad": 1}]
    return [StagedBlock(f"{n:03d}", 5, size, 5, rejected[n % 2], 0, 0, {}) for n in range(count)]


@pytest.mark.parametrize("num_shards", [1, 2, 5, 7, 23])
@pytest.mark.parametrize("num_blocks", [1, 4, 7])
def test_a_plan_takes_each_row_once(num_shards, num_blocks):
    plans = plan_shards(make_blocks(num_blocks)[::-1], num_shards)
    assert [plan.index for plan in plans] == list(range(num_shards))
    taken = collections.Counter()
    for plan in plans:
        assert plan.parts
        for name, first, step in plan.parts:
            taken.update((name, row) for row in range(first, 100, step))
    rejected = [name for plan in plans for name in plan.with_rejected]
    assert sorted(rejected) == [f"{n:03d}" for n in range(1, num_blocks, 2)]
    assert len(taken) == 100 * num_blocks
    assert set(taken.values()) == {1}


@pytest.mark.parametrize(
    ("num_blocks", "size", "expected"), [(1, 10, 1), (30, 10, 8), (30, 128 * 2**20, 30)]
)
def test_shards_by_size(num_blocks, size, expected):
    assert len(plan_shards(make_blocks(num_blocks, size), None)) == expected


def test_histogram():
    counts = np.array([0, 1, 1, 2, 3, 4, 7, 8])
    assert histogram(counts) == {"0": 1, "1": 2, "2-3": 2, "4-7": 2, "8-15": 1}


class TestImages:
    def test_groups_change_nothing(self, monkeypatch):
        images = [
            (encode(Image.new("L", (9, 9), shade), "PNG"), False) for shade in range(0, 250, 50)
        ]
        images[2:2] = [(b"no image", False), (images[0][0][:50], False)]
        whole, whole_pixels, _ = ImageLoader(4, 4).load(images)
        for size in (1, 300):
            monkeypatch.setattr(describer, "GROUP_SIZE", size)
            good, pixels, errors = ImageLoader(4, 4).load(images)
            assert good == whole == [0, 1, 4, 5, 6]
            assert sorted(errors) == [2, 3]
            np.testing.assert_array_equal(pixels, whole_pixels)

    def test_details_say_what_tensorflow_says(self):
        _, _, errors = ImageLoader(4, 4).load([(encode(Image.new("L", (9, 9)), "PNG")[:50], False)])
        assert errors[0].detail == "image: Invalid PNG data, size 50"

    @pytest.mark.parametrize("error", [NameError("/secret"), RuntimeError("/secret"), OSError(5)])
    def test_errors_of_file_systems_leave_the_path_out(self, monkeypatch, error):
        def fail(path):
            raise error

        monkeypatch.setattr(describer.storage, "open_input", fail)
        with pytest.raises(PostError) as raised:
            describer.read_image("azfs://secret/x.png")
        assert raised.value.detail == f"image: cannot be read: {type(error).__name__}"

    def test_does_not_open_files_without_a_size(self, tmp_path, monkeypatch):
        (tmp_path / "empty").write_bytes(b"")
        monkeypatch.setattr(describer.storage, "open_input", None)
        assert describer.read_image(str(tmp_path / "empty")) == b""
        with pytest.raises(PostError, match="image_missing: image: not a file"):
            describer.read_image(str(tmp_path))

    def test_map_ahead_is_in_order_and_bounded(self):
        started, release = threading.Semaphore(0), threading.Event()

        def work(number):
            started.release()
            release.wait(30)
            return number * number

        with ThreadPoolExecutor(8) as executor:
            results = map_ahead(executor, work, range(20), ahead=3)
            reader = threading.Thread(target=lambda: collected.extend(results))
            collected = []
            reader.start()
            for _ in range(3):
                assert started.acquire(timeout=30)
            assert not started.acquire(blocking=False)
            release.set()
            reader.join(30)
        assert collected == [number * number for number in range(20)]


class TestRunner:
    @pytest.mark.parametrize("arguments", [[], ["--runner=DirectRunner"], ["--runner", "direct"]])
    def test_is_in_process_by_default(self, arguments):
        assert parse_options(arguments).get_all_options()["runner"] == IN_PROCESS

    def test_takes_options_of_beam(self):
        options = parse_options(["--direct_num_workers=2", "--flink_master=host:80"])
        assert options.get_all_options()["direct_num_workers"] == 2

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--no_such=1"], "--no_such=1: neither a flag"),
            (["stray"], "stray: neither"),
            (["--direct_num_workers=many"], "direct_num_workers.*'many'"),
            (["--runner=NoSuchRunner"], "--runner=NoSuchRunner: Unexpected pipeline runner"),
        ],
    )
    def test_refuses(self, arguments, words):
        with pytest.raises(UserError, match=words):
            parse_options(arguments)

    def test_user_errors_come_out_of_workers_as_they_are(self):
        def fail(_):
            raise UserError("the thing: do that")

        def build(pipeline):
            return pipeline | apache_beam.Create([1]) | apache_beam.Map(fail)

        with pytest.raises(UserError, match=r"^the thing: do that$"):
            run_pipeline(build, parse_options([]))
